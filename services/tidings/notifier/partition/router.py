"""The router: applies, routes and writes a partition's events, one batch after the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from tidings.client.appender import Appender
from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.copies import SMALL_COPY_BYTES
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.messages import NewMessage
from tidings.contracts.rules import Effect, Tell, by_event_type
from tidings.contracts.subjects import EVENTS, Subjects
from tidings.domains import RULES
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.topics import Topics
from tidings.notifier.notifier_metrics import CreationLog, NotifierMetrics
from tidings.notifier.partition.position import SERVICE, Position
from tidings.notifier.partition.routing import (
    MissingTemplateValue,
    audience_query,
    copies_problem,
    messages,
    notifications_in,
    react,
    validate_templates,
)
from tidings.notifier.partition.writer import Output, Writer
from tidings.notifier.rendering.texts import Texts
from tidings.runtime.log.dead_letters import append_dead_letter
from tidings.runtime.log.follow import StreamMessage

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
        tenants_including_actor: frozenset[str] = frozenset(),
        metrics: NotifierMetrics | None = None,
    ) -> None:
        self._tenants_including_actor = tenants_including_actor
        self._partition = partition
        self._subjects = subjects
        self._texts = texts
        self._audience_model = audience_model
        self._topics = topics
        self._writer = writer
        self._appender = appender
        self._position = position
        self._writing: asyncio.Task[None] | None = None
        self._metrics = metrics or NotifierMetrics()
        self._creation_log = CreationLog(self._metrics)

    async def route_batch(
        self, batch: list[StreamMessage], on_written: Callable[[], None] = lambda: None
    ) -> None:
        """Apply a batch while the one before is being written, then begin to write it.

        `on_written` is called once that is done. Raises the error of writing the batch before.
        """
        began_at = time.perf_counter()
        routed_events = [
            _apply_rules(message, self._texts, self._tenants_including_actor) for message in batch
        ]
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
        pending = [self._without_large_copies(each, audience) for each in pending]
        self._writing = asyncio.create_task(
            self._write(pending, audience, Position(batch[-1].sequence))
        )
        self._writing.add_done_callback(
            partial(self._record_written, len(pending), began_at, on_written)
        )

    async def save_position(self, *, again: bool = False) -> None:
        """Save the position if it is not saved yet, or `again`.

        Raises Unavailable or Fenced, also if applied events could not be recorded.
        """
        await self.flush()
        self._audience_model.raise_problem()
        self._creation_log.write_line()
        await self._writer.save_position(self._position, again=again)

    async def stop(self) -> None:
        """Stop writing; the next takeover finds how far it came."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._audience_model.close()

    async def flush(self) -> None:
        """Wait until all routed output is appended or staged in a batch; raises what that met."""
        writing, self._writing = self._writing, None
        if writing:
            await writing

    async def _write(self, pending: list[RoutedEvent], audience: Audience, until: Position) -> None:
        """Write events that cannot be routed to the dead letters, the rest with the position.

        A takeover searches for outputs after the saved position only if the checkpoint of the
        audience, or `EVENTS`, tells of events after it: so the checkpoint goes first.
        """
        await self._audience_model.record_past(self._writer.newest_saved.sequence)
        for each in pending:
            if each.problem:
                await self._dead_letter(each)
        reached = max(self._position, until, key=Position.sort_key)
        await self._writer.write_outputs(self._outputs(pending, audience), reached)
        self._position = reached

    def _record_written(
        self, count: int, began_at: float, on_written: Callable[[], None], task: asyncio.Task[None]
    ) -> None:
        """Count the events of a batch whose writing has ended, unless it failed."""
        if task.cancelled() or task.exception():
            return
        self._metrics.events.inc(count)
        self._metrics.processing_seconds.observe(time.perf_counter() - began_at)
        self._creation_log.count_appended()
        on_written()

    def _create_topics(self, pending: list[RoutedEvent], audience: Audience) -> None:
        """Make topics of relations that are large enough by now.

        An event that is partly written keeps the topics it was routed with.
        """
        for _, event, effects, _ in pending:
            if event and self._begins(event, audience):
                self._topics.create_topics(event, notifications_in(effects), audience)

    def _without_large_copies(self, routed: RoutedEvent, audience: Audience) -> RoutedEvent:
        """Return an event without notifications that would take too many bytes; they go to the dead
        letters before anything of the event is written.

        An event that is partly written keeps what it was routed with.
        """
        event = routed.event
        if (
            event is None
            or len(routed.message.data) <= SMALL_COPY_BYTES
            or not self._begins(event, audience)
        ):
            return routed
        effects, problem = list[Effect](), ""
        for effect in routed.effects:
            too_many = (
                copies_problem(event, effect, audience, self._topics)
                if isinstance(effect, Tell)
                else ""
            )
            problem = problem or too_many
            if not too_many:
                effects.append(effect)
        return routed._replace(effects=effects, problem=problem) if problem else routed

    def _begins(self, event: AnyRecordedEvent, audience: Audience) -> bool:
        """Return whether nothing of an event is written yet, and it is no duplicate."""
        partly_written = self._position.offset and event.sequence == self._position.sequence
        return event.sequence not in audience.duplicates and not partly_written

    def _outputs(self, pending: list[RoutedEvent], audience: Audience) -> Iterator[Output]:
        resumed = self._position
        for _, event, effects, _ in pending:
            if event and event.sequence not in audience.duplicates:
                done = resumed.offset if event.sequence == resumed.sequence else 0
                drafts = messages(
                    event, effects, audience, self._topics, self._subjects, self._texts
                )
                for output in _outputs(event, drafts, done):
                    self._creation_log.record_message(output.message)
                    yield output

    async def _dead_letter(self, routed: RoutedEvent) -> None:
        """Append an event to `DEAD_LETTERS`, once, with the reason."""
        message = routed.message
        log.warning("event %d of %s cannot be routed: %s", message.sequence, EVENTS, routed.problem)
        if await append_dead_letter(
            self._appender, SERVICE, self._partition, message, routed.problem
        ):
            self._metrics.dead_letters.inc()


def _apply_rules(
    message: StreamMessage, texts: Texts, tenants_including_actor: frozenset[str]
) -> RoutedEvent:
    try:
        event = decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent as error:
        return RoutedEvent(message, None, [], str(error))
    return _react_to(message, event, texts, tenants_including_actor)


def _react_to(
    message: StreamMessage,
    event: AnyRecordedEvent,
    texts: Texts,
    tenants_including_actor: frozenset[str],
) -> RoutedEvent:
    """Apply the rules; the event's relations count even if it cannot be routed."""
    try:
        rules = RULES_BY_EVENT.get(event.event.__class__, ())
        effects = react(event, rules, tenants_including_actor)
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
