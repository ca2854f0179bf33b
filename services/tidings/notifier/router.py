"""The router: one batch of a partition's events after the other, folded, routed and written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.subjects import DEAD, EVENTS, dead
from tidings.notifier.audience import Asked, AudienceFold, Folded
from tidings.notifier.position import SERVICE, Position
from tidings.notifier.route import Said, Unsayable, asks, check, drafts, react, told_of
from tidings.notifier.rule import by_event
from tidings.notifier.rules import RULES
from tidings.notifier.topics import Topics
from tidings.notifier.writer import Output, Writer
from tidings.runtime.append import Appender, Draft, Expected
from tidings.runtime.errors import WrongSequence
from tidings.runtime.follow import Message

REASON_LIMIT_CHARACTERS = 500

SAYING = by_event(RULES)

log = logging.getLogger("tidings.notifier")


class Routed(NamedTuple):
    """An event and what the rules say of it; with a reason, if it cannot be read or told."""

    message: Message
    event: AnyRecorded | None
    said: list[Said]
    reason: str = ""


class Router:
    """Routes the events of one partition, on from a position."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        fold: AudienceFold,
        topics: Topics,
        writer: Writer,
        appender: Appender,
        at: Position,
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._fold = fold
        self._topics = topics
        self._writer = writer
        self._appender = appender
        self._at = at
        self._writing: asyncio.Task[None] | None = None

    async def route(self, batch: list[Message]) -> None:
        """Fold a batch while the one before is being written, then begin to write it; raises what that one met."""
        routed = [_routed(message) for message in batch]
        events = [each.event for each in routed if each.event]
        folded = await self._fold.fold(events, batch[-1].sequence, self._asked(routed))
        await self.written()
        pending = [each for each in routed if each.message.sequence > self._at.after]
        self._decide(pending, folded)
        self._writing = asyncio.create_task(
            self._write(pending, folded, Position(batch[-1].sequence))
        )

    async def park(self, *, again: bool = False) -> None:
        """Write down how far we came, if it is not written yet, or `again`."""
        await self.written()
        await self._writer.park(self._at, again=again)

    async def stop(self) -> None:
        """Leave what is being written to a later takeover, which will find out how far it came."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def written(self) -> None:
        """Wait until all that was routed is appended, or on its way in a batch; raises what that met."""
        writing, self._writing = self._writing, None
        if writing:
            await writing

    def _asked(self, routed: list[Routed]) -> Asked:
        asked = Asked()
        for each in routed:
            if each.event:
                asks(each.event, each.said, self._topics, asked)
        return asked

    async def _write(self, pending: list[Routed], folded: Folded, until: Position) -> None:
        """Bury what cannot be routed, write the rest with the position."""
        for each in pending:
            if each.reason:
                await self._bury(each)
        reached = max(self._at, until, key=Position.order)
        await self._writer.write(self._outputs(pending, folded), reached)
        self._at = reached

    def _decide(self, pending: list[Routed], folded: Folded) -> None:
        """Make topics where they are due; not with an event of which something was written before it came to be decided."""
        for _, event, said, _ in pending:
            begun = self._at.offset and event and event.sequence == self._at.sequence
            if event and event.sequence not in folded.duplicates and not begun:
                self._topics.decide(event, (tell for _, tell in told_of(said)), folded)

    def _outputs(self, pending: list[Routed], folded: Folded) -> Iterator[Output]:
        resumed = self._at
        for _, event, said, _ in pending:
            if event and event.sequence not in folded.duplicates:
                done = resumed.offset if event.sequence == resumed.sequence else 0
                yield from _outputs(
                    event, drafts(event, said, folded, self._topics, self._partitions), done
                )

    async def _bury(self, routed: Routed) -> None:
        """Append to `DEAD`, once, with the reason."""
        message = routed.message
        log.warning("event %d of %s cannot be routed: %s", message.sequence, EVENTS, routed.reason)
        subject = dead(SERVICE, self._partition, message.sequence)
        reason = " ".join(routed.reason.split())[:REASON_LIMIT_CHARACTERS]
        headers = {
            "Tidings-Reason": reason,
            "Tidings-Sequence": str(message.sequence),
            "Tidings-Subject": message.subject,
        }
        try:
            await self._appender.append_expecting(
                Draft(subject, message.data, headers=headers), Expected(subject, 0)
            )
        except WrongSequence:
            log.debug("event %d is in %s already", message.sequence, DEAD)


def _routed(message: Message) -> Routed:
    try:
        event = recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent as error:
        return Routed(message, None, [], str(error))
    return _said(message, event)


def _said(message: Message, event: AnyRecorded) -> Routed:
    """What an event says of relations holds, even if what it says to people cannot be told."""
    try:
        said = react(event, SAYING.get(event.event.__class__, ()))
        check(said)
        return Routed(message, event, said)
    except Unsayable as error:
        return Routed(message, event, [], str(error))
    except Exception as error:  # whatever a rule does wrong must not stop the events behind it
        log.exception("a rule failed on event %d", message.sequence)
        return Routed(message, event, [], f"a rule failed: {type(error).__name__}: {error}")


def _outputs(event: AnyRecorded, messages: Iterator[Draft], done: int) -> Iterator[Output]:
    """An event's outputs after the first `done`; the last of them reaches the position after the event."""
    before: Draft | None = None
    offset = 0
    for draft in messages:
        if before and offset > done:
            yield Output(before, Position(event.sequence, offset))
        before, offset = draft, offset + 1
    if before and offset > done:
        yield Output(before, Position(event.sequence))
