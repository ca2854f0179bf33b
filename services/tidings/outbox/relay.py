"""The relay: carries an outbox's events to the log, in order, each once, through any crash."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from tidings.client.appender import Appender, commit_batch
from tidings.client.jetstream import JetStream
from tidings.contracts.acceptance import ForbiddenLink, without_field
from tidings.contracts.codec import InvalidEvent, decode_cloud_event
from tidings.contracts.messages import NewMessage, event_message, plain_event
from tidings.contracts.subjects import EVENTS, Subjects, events_of_tenant
from tidings.outbox.outbox_metrics import OutboxMetrics
from tidings.outbox.table import BatchInFlight, OutboxTable, WaitingEvent, lead_outbox
from tidings.runtime.errors import Fenced, RequestRefused, Transient
from tidings.runtime.log.conflicts import ID_IN_USE, conflicting_places
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read
from tidings.runtime.log.state import StreamState, stream_state

LEASE_SECONDS = 20.0
"""How long ago Postgres may have confirmed the lead when a batch is sent.

It is far less than the time for which the log knows an id, so two relays cannot both send.
"""

log = logging.getLogger("tidings.outbox")


class BatchResult(NamedTuple):
    """The result of a batch: stored events, refused ones with reasons, the log's last sequence."""

    stored: list[int]
    refused: dict[int, str]
    last_sequence: int


class StoredKey(NamedTuple):
    """The subject and the deduplication key of an event in the log."""

    subject: str
    key: str


class Relay:
    """Carries one outbox; with `tenant`, that tenant's events only, which need not name it."""

    def __init__(
        self,
        jetstream: JetStream,
        dsn: str,
        subjects: Subjects,
        tenant: str | None = None,
        metrics: OutboxMetrics | None = None,
        link_hosts: Collection[str] = (),
    ) -> None:
        self._jetstream = jetstream
        self._appender = Appender(jetstream)
        self._dsn = dsn
        self._subjects = subjects
        self._tenant = tenant
        self._link_hosts = link_hosts
        self._metrics = metrics or OutboxMetrics()

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait for the lead, find what is stored already, and carry from there.

        Raises Transient or Permanent.
        """
        try:
            await self._lead(ready)
        except Transient:
            self._metrics.failures.inc()
            raise
        finally:
            self._metrics.leads.set(0)

    async def _lead(self, ready: Callable[[], None]) -> None:
        async with lead_outbox(self._dsn) as table:
            self._metrics.leads.set(1)
            place = await stream_state(self._jetstream, EVENTS)
            result = BatchResult(
                await self._find_stored(await table.read_in_flight(), place),
                {},
                place.last_sequence,
            )
            ready()
            while True:
                result = await self._step(table, result, place.epoch)

    async def _step(self, table: OutboxTable, result: BatchResult, epoch: str) -> BatchResult:
        asked_at = time.monotonic()
        batch = await table.next_batch(
            result.stored, result.refused, StreamState(epoch, result.last_sequence)
        )
        if batch:
            await table.set_listening(False)
            return await self._send(batch, result.last_sequence, asked_at)
        self._metrics.record_empty()
        if not await table.set_listening(True):
            await table.wait_for_event()
        return BatchResult([], {}, result.last_sequence)

    async def _send(self, batch: Sequence[WaitingEvent], last: int, asked_at: float) -> BatchResult:
        messages, refused = self._prepare(batch)
        if time.monotonic() - asked_at > LEASE_SECONDS:
            raise Fenced("this relay was held up for so long that another one may lead")
        last, newly_refused = await self._append(messages, last)
        refused |= newly_refused
        self._metrics.relayed.inc(len(batch) - len(refused))
        self._metrics.refused.inc(len(refused))
        if refused:
            log.warning("%d events are set aside; tidings_outbox.refused says why", len(refused))
        return BatchResult(
            [position for position in messages if position not in refused], refused, last
        )

    def _prepare(
        self, batch: Sequence[WaitingEvent]
    ) -> tuple[dict[int, NewMessage], dict[int, str]]:
        """Return the acceptable messages, and the reasons against the others."""
        messages, refused = dict[int, NewMessage](), dict[int, str]()
        links: list[ForbiddenLink] = []
        for position, event in batch:
            try:
                messages[position] = self._message(event.encode(), links.append)
            except InvalidEvent as error:
                refused[position] = str(error)
        if links:
            log.warning("events are stored without %d links; the last: %s", len(links), links[-1])
        return messages, refused

    def _message(self, body: bytes, report: Callable[[ForbiddenLink], None]) -> NewMessage:
        """Return an event's message, and report the links that it lacks; raises InvalidEvent.

        Its service has committed the event: without a host in a setting here it loses a link, not
        its users.
        """
        while True:
            try:
                return event_message(
                    body, self._tenant, self._subjects, link_hosts=self._link_hosts
                )
            except ForbiddenLink as link:
                report(link)
                body = without_field(plain_event(body), link.field)

    async def _append(
        self, messages: dict[int, NewMessage], last: int
    ) -> tuple[int, dict[int, str]]:
        """Append all in one batch; if it is refused, append each by itself to find the cause."""
        if not messages:
            return last, {}
        try:
            return await self._append_batch(messages, last)
        except RequestRefused:
            return await self._append_singly(messages, last)

    async def _append_batch(
        self, messages: Mapping[int, NewMessage], last: int
    ) -> tuple[int, dict[int, str]]:
        positions, batch = [*messages], [*messages.values()]
        try:
            return max(last, await commit_batch(self._jetstream, batch)), {}
        except RequestRefused:
            results = await self._appender.append_batch(batch)
        # A conflict that is not found is deleted as if it were stored, so all are looked for.
        limit = 2 * len(batch)
        conflicts = await conflicting_places(self._jetstream, batch, results, reads_limit=limit)
        return (
            max(last, *(appended.sequence for appended in results)),
            {positions[place]: ID_IN_USE for place in conflicts},
        )

    async def _append_singly(
        self, messages: dict[int, NewMessage], last: int
    ) -> tuple[int, dict[int, str]]:
        refused = dict[int, str]()
        for position, each in messages.items():
            try:
                last, newly_refused = await self._append_batch({position: each}, last)
                refused |= newly_refused
            except RequestRefused as refusal:
                refused[position] = str(refusal)
        return last, refused

    async def _find_stored(self, in_flight: BatchInFlight | None, place: StreamState) -> list[int]:
        """Return which events in flight are in the log; reads the log, however old they are."""
        if in_flight is None or in_flight.place.epoch != place.epoch:
            return []
        messages, _ = self._prepare(in_flight.events)
        keys = set[StoredKey]()
        for subject in {events_of_tenant(each.subject) for each in messages.values()}:
            keys |= await self._stored_keys(subject, in_flight.place.last_sequence)
        return [
            position
            for position, each in messages.items()
            if StoredKey(each.subject, each.id or "") in keys
        ]

    async def _stored_keys(self, subject: str, after: int) -> set[StoredKey]:
        keys = set[StoredKey]()
        while page := await read(self._jetstream, EVENTS, subject, after=after, leader_ends=True):
            keys |= {StoredKey(message.subject, _event_key(message)) for message in page}
            after = page[-1].sequence
        return keys


def _event_key(message: StreamMessage) -> str:
    """Return the key of an event in the log, empty if the message is no event."""
    try:
        cloud = decode_cloud_event(message.data)
    except InvalidEvent:
        return ""
    return cloud.key_of(cloud.tenant or "")
