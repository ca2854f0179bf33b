"""The router: applies, routes and writes a partition's events, one batch after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import NamedTuple

from tidings.client.appender import Appender, ExpectedSequence
from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.messages import NewMessage
from tidings.contracts.rules import Effect, by_event_type
from tidings.contracts.subjects import DEAD_LETTERS, EVENTS, Subjects, dead_letter_subject
from tidings.domains import RULES
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.topics import Topics
from tidings.notifier.partition.position import SERVICE, Position
from tidings.notifier.partition.routing import (
    MissingTemplateValue,
    audience_query,
    messages,
    notifications_in,
    react,
    validate_templates,
)
from tidings.notifier.partition.writer import Output, Writer
from tidings.notifier.rendering.texts import Texts
from tidings.runtime.errors import WrongSequence
from tidings.runtime.log.follow import StreamMessage

REASON_LIMIT_CHARACTERS = 500

RULES_BY_EVENT = by_event_type(RULES)

log = logging.getLogger("tidings.notifier")


class RoutedEvent(NamedTuple):
    """An event and its effects; `problem` says why it cannot be decoded or routed."""

    message: StreamMessage
    event: AnyRecordedEvent | None
    effects: list[Effect]
    problem: str = ""


class Router:
    """Routes the events of one partition from a position on."""

    def __init__(
        self,
        partition: int,
        subjects: Subjects,
        texts: Texts,
        audience_model: AudienceModel,
        topics: Topics,
        writer: Writer,
        appender: Appender,
        position: Position,
    ) -> None:
        self._partition = partition
        self._subjects = subjects
        self._texts = texts
        self._audience_model = audience_model
        self._topics = topics
        self._writer = writer
        self._appender = appender
        self._position = position
        self._writing: asyncio.Task[None] | None = None

    async def route_batch(self, batch: list[StreamMessage]) -> None:
        """Apply a batch while the one before is being written, then begin to write it.

        Raises what writing the batch before met.
        """
        routed_events = [_apply_rules(message, self._texts) for message in batch]
        events = [(each.event, each.effects) for each in routed_events if each.event]
        audience = await self._audience_model.apply_batch(
            [event for event, _ in events],
            batch[-1].sequence,
            audience_query(events, self._topics),
        )
        await self.flush()
        pending = [
            each for each in routed_events if each.message.sequence > self._position.start_after
        ]
        self._create_topics(pending, audience)
        self._writing = asyncio.create_task(
            self._write(pending, audience, Position(batch[-1].sequence))
        )

    async def save_position(self, *, again: bool = False) -> None:
        """Save the position if it is not saved yet, or `again`."""
        await self.flush()
        await self._writer.save_position(self._position, again=again)

    async def stop(self) -> None:
        """Stop writing; the next takeover finds how far it came."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def flush(self) -> None:
        """Wait until all routed output is appended or staged in a batch; raises what that met."""
        writing, self._writing = self._writing, None
        if writing:
            await writing

    async def _write(self, pending: list[RoutedEvent], audience: Audience, until: Position) -> None:
        """Write events that cannot be routed to the dead letters, the rest with the position."""
        for each in pending:
            if each.problem:
                await self._dead_letter(each)
        reached = max(self._position, until, key=Position.sort_key)
        await self._writer.write_outputs(self._outputs(pending, audience), reached)
        self._position = reached

    def _create_topics(self, pending: list[RoutedEvent], audience: Audience) -> None:
        """Make topics of relations that are large enough by now.

        An event that is partly written keeps the topics it was routed with.
        """
        for _, event, effects, _ in pending:
            partly_written = (
                self._position.offset and event and event.sequence == self._position.sequence
            )
            if event and event.sequence not in audience.duplicates and not partly_written:
                self._topics.create_topics(event, notifications_in(effects), audience)

    def _outputs(self, pending: list[RoutedEvent], audience: Audience) -> Iterator[Output]:
        resumed = self._position
        for _, event, effects, _ in pending:
            if event and event.sequence not in audience.duplicates:
                done = resumed.offset if event.sequence == resumed.sequence else 0
                drafts = messages(
                    event, effects, audience, self._topics, self._subjects, self._texts
                )
                yield from _outputs(event, drafts, done)

    async def _dead_letter(self, routed: RoutedEvent) -> None:
        """Append an event to `DEAD_LETTERS`, once, with the reason."""
        message = routed.message
        log.warning("event %d of %s cannot be routed: %s", message.sequence, EVENTS, routed.problem)
        subject = dead_letter_subject(SERVICE, self._partition, message.sequence)
        reason = " ".join(routed.problem.split())[:REASON_LIMIT_CHARACTERS]
        headers = {
            "Tidings-Reason": reason,
            "Tidings-Sequence": str(message.sequence),
            "Tidings-Subject": message.subject,
        }
        try:
            await self._appender.append_expecting(
                NewMessage(subject, message.data, headers=headers), ExpectedSequence(subject, 0)
            )
        except WrongSequence:
            log.debug("event %d is in %s already", message.sequence, DEAD_LETTERS)


def _apply_rules(message: StreamMessage, texts: Texts) -> RoutedEvent:
    try:
        event = decode_recorded_event(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent as error:
        return RoutedEvent(message, None, [], str(error))
    return _react_to(message, event, texts)


def _react_to(message: StreamMessage, event: AnyRecordedEvent, texts: Texts) -> RoutedEvent:
    """Apply the rules; the event's relations count even if it cannot be routed."""
    try:
        effects = react(event, RULES_BY_EVENT.get(event.event.__class__, ()))
        validate_templates(effects, texts)
        return RoutedEvent(message, event, effects)
    except MissingTemplateValue as error:
        return RoutedEvent(message, event, [], str(error))
    except Exception as error:  # a faulty rule must not stop the events behind this one
        log.exception("a rule failed on event %d", message.sequence)
        return RoutedEvent(message, event, [], f"a rule failed: {type(error).__name__}: {error}")


def _outputs(
    event: AnyRecordedEvent, messages: Iterator[NewMessage], done: int
) -> Iterator[Output]:
    """Return an event's outputs after the first `done`; the last one reaches the next event."""
    before: NewMessage | None = None
    offset = 0
    for draft in messages:
        if before and offset > done:
            yield Output(before, Position(event.sequence, offset))
        before, offset = draft, offset + 1
    if before and offset > done:
        yield Output(before, Position(event.sequence))
