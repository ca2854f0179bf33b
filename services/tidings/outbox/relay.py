"""The relay: carries an outbox's events to the log, in order, each once, through any crash."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidings.client.appender import Appender, commit_batch
from tidings.client.jetstream import JetStream
from tidings.contracts.codec import InvalidEvent, decode_cloud_event
from tidings.contracts.messages import NewMessage, event_message
from tidings.contracts.subjects import EVENTS, Subjects
from tidings.outbox.table import BatchInFlight, OutboxTable, WaitingEvent, lead_outbox
from tidings.runtime.errors import Fenced, RequestRefused
from tidings.runtime.log.follow import StreamMessage, StreamState, stream_state
from tidings.runtime.log.read import read

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


class Relay:
    """Carries one outbox; `tenant` is that of events that name none."""

    def __init__(
        self, jetstream: JetStream, dsn: str, subjects: Subjects, tenant: str | None = None
    ) -> None:
        self._jetstream = jetstream
        self._appender = Appender(jetstream)
        self._dsn = dsn
        self._subjects = subjects
        self._tenant = tenant

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait for the lead, find what is stored already, and carry from there.

        Raises Transient or Permanent.
        """
        async with lead_outbox(self._dsn) as table:
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
        if not await table.set_listening(True):
            await table.wait_for_event()
        return BatchResult([], {}, result.last_sequence)

    async def _send(self, batch: Sequence[WaitingEvent], last: int, asked_at: float) -> BatchResult:
        messages, refused = self._prepare(batch)
        if time.monotonic() - asked_at > LEASE_SECONDS:
            raise Fenced("this relay was held up for so long that another one may lead")
        last, newly_refused = await self._append(messages, last)
        refused |= newly_refused
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
        for position, event in batch:
            try:
                messages[position] = event_message(
                    event.encode(), None, self._subjects, default=self._tenant
                )
            except InvalidEvent as error:
                refused[position] = str(error)
        return messages, refused

    async def _append(
        self, messages: dict[int, NewMessage], last: int
    ) -> tuple[int, dict[int, str]]:
        """Append all in one batch; if it is refused, append each by itself to find the cause."""
        if not messages:
            return last, {}
        try:
            return max(last, await self._append_batch(list(messages.values()))), {}
        except RequestRefused:
            return await self._append_singly(messages, last)

    async def _append_batch(self, messages: Sequence[NewMessage]) -> int:
        try:
            return await commit_batch(self._jetstream, messages)
        except RequestRefused:
            return max(
                appended.sequence for appended in await self._appender.append_batch(messages)
            )

    async def _append_singly(
        self, messages: dict[int, NewMessage], last: int
    ) -> tuple[int, dict[int, str]]:
        refused = dict[int, str]()
        for position, each in messages.items():
            try:
                last = max(last, await self._append_batch([each]))
            except RequestRefused as refusal:
                refused[position] = str(refusal)
        return last, refused

    async def _find_stored(self, in_flight: BatchInFlight | None, place: StreamState) -> list[int]:
        """Return which events in flight are in the log; reads the log, however old they are."""
        if in_flight is None or in_flight.place.epoch != place.epoch:
            return []
        messages, _ = self._prepare(in_flight.events)
        keys = set[str]()
        for subject in {".".join(each.subject.split(".")[:3]) + ".>" for each in messages.values()}:
            keys |= await self._event_keys(subject, in_flight.place.last_sequence)
        return [position for position, each in messages.items() if each.id in keys]

    async def _event_keys(self, subject: str, after: int) -> set[str]:
        keys = set[str]()
        while page := await read(self._jetstream, EVENTS, subject, after=after, leader_ends=True):
            keys |= {_event_key(message) for message in page}
            after = page[-1].sequence
        return keys


def _event_key(message: StreamMessage) -> str:
    """Return the key of an event in the log, empty if the message is no event."""
    try:
        cloud = decode_cloud_event(message.data)
    except InvalidEvent:
        return ""
    return cloud.key_of(cloud.tenant or "")
