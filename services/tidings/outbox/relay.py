"""The relay: a service's events from its outbox to the log, in order, each once, whatever dies in between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, decode
from tidings.contracts.draft import Draft, draft
from tidings.contracts.subjects import EVENTS
from tidings.outbox.table import Table, Underway, Waiting, led
from tidings.runtime.append import Appender, commit
from tidings.runtime.errors import Fenced, Refused
from tidings.runtime.follow import Message, StreamState, state
from tidings.runtime.jetstream import JetStream
from tidings.runtime.read import read

LEASE_SECONDS = 20.0
"""How old the word of Postgres that we lead may be when a batch is sent: far less than an id is known by the log."""

log = logging.getLogger("tidings.outbox")


class Sent(NamedTuple):
    """What became of a batch: which are stored, which are refused and why, and where the log ends at least."""

    done: list[int]
    refused: dict[int, str]
    last: int


class Relay:
    """Carries one outbox; events that name no tenant are this one's."""

    def __init__(
        self, jetstream: JetStream, dsn: str, partitions: int, tenant: str | None = None
    ) -> None:
        self._jetstream = jetstream
        self._appender = Appender(jetstream)
        self._dsn = dsn
        self._partitions = partitions
        self._tenant = tenant

    async def run(self, ready: Callable[[], None]) -> None:
        """Lead the outbox once nobody else does, find out what is stored already, and go on from there; raises Transient or Permanent."""
        async with led(self._dsn) as table:
            place = await state(self._jetstream, EVENTS)
            sent = Sent(await self._stored(await table.underway(), place), {}, place.last)
            ready()
            while True:
                sent = await self._step(table, sent, place.epoch)

    async def _step(self, table: Table, sent: Sent, epoch: str) -> Sent:
        asked = time.monotonic()
        batch = await table.next(sent.done, sent.refused, StreamState(epoch, sent.last))
        if batch:
            await table.listen(False)
            return await self._send(batch, sent.last, asked)
        if not await table.listen(True):
            await table.wait()
        return Sent([], {}, sent.last)

    async def _send(self, batch: Sequence[Waiting], last: int, asked: float) -> Sent:
        drafts, refused = self._drafts(batch)
        if time.monotonic() - asked > LEASE_SECONDS:
            raise Fenced("this relay was held up for so long that another one may lead")
        last, unwanted = await self._append(drafts, last)
        refused |= unwanted
        if refused:
            log.warning("%d events are set aside; tidings_outbox.refused says why", len(refused))
        return Sent([position for position in drafts if position not in refused], refused, last)

    def _drafts(self, batch: Sequence[Waiting]) -> tuple[dict[int, Draft], dict[int, str]]:
        """What can be accepted, and why the rest cannot."""
        drafts, refused = dict[int, Draft](), dict[int, str]()
        for position, event in batch:
            try:
                drafts[position] = draft(
                    event.encode(), None, self._partitions, default=self._tenant
                )
            except InvalidEvent as error:
                refused[position] = str(error)
        return drafts, refused

    async def _append(self, drafts: dict[int, Draft], last: int) -> tuple[int, dict[int, str]]:
        """Append all in one batch: if that is refused without being known already, one of them is to blame, and each goes by itself."""
        if not drafts:
            return last, {}
        try:
            return max(last, await self._batch(list(drafts.values()))), {}
        except Refused:
            return await self._singly(drafts, last)

    async def _batch(self, drafts: Sequence[Draft]) -> int:
        try:
            return await commit(self._jetstream, drafts)
        except Refused:
            return max(appended.sequence for appended in await self._appender.append_batch(drafts))

    async def _singly(self, drafts: dict[int, Draft], last: int) -> tuple[int, dict[int, str]]:
        refused = dict[int, str]()
        for position, each in drafts.items():
            try:
                last = max(last, await self._batch([each]))
            except Refused as refusal:
                refused[position] = str(refusal)
        return last, refused

    async def _stored(self, underway: Underway | None, place: StreamState) -> list[int]:
        """Which of what was sent last is in the log: asked of the log itself, however long ago that was."""
        if underway is None or underway.place.epoch != place.epoch:
            return []
        drafts, _ = self._drafts(underway.events)
        known = set[str]()
        for subject in {".".join(each.subject.split(".")[:3]) + ".>" for each in drafts.values()}:
            known |= await self._keys(subject, underway.place.last)
        return [position for position, each in drafts.items() if each.id in known]

    async def _keys(self, subject: str, after: int) -> set[str]:
        known = set[str]()
        while page := await read(self._jetstream, EVENTS, subject, after=after):
            known |= {_key(message) for message in page}
            after = page[-1].sequence
        return known


def _key(message: Message) -> str:
    """Which event it is, by what lies in the log; nothing if it is none."""
    try:
        cloud = decode(message.data)
    except InvalidEvent:
        return ""
    return cloud.key_of(cloud.tenant or "")
