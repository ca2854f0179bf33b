"""The router: applies, routes and writes a partition's events, one batch after the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tidings.client.appender import Appender
from tidings.contracts.copies import SMALL_COPY_BYTES
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.rules import Effect, Tell
from tidings.contracts.subjects import EVENTS, Subjects
from tidings.notifier.audience.audience import Audience, AudienceQuery
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.topics import Topics
from tidings.notifier.notifier_metrics import CreationLog, NotifierMetrics
from tidings.notifier.partition.position import SERVICE
from tidings.notifier.partition.routed_events import RoutedEvent, apply_rules, outputs_of
from tidings.notifier.partition.routing import (
    audience_query,
    copies_problem,
    messages,
    notifications_in,
)
from tidings.notifier.rendering.texts import Texts
from tidings.runtime.log.dead_letters import append_dead_letter
from tidings.runtime.log.fenced_writer import FencedWriter, Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position

log = logging.getLogger("tidings.notifier")


class PreparedBatch(NamedTuple):
    """A batch of events with their effects, up to the sequence `until`; `query` asks who they are
    for.
    """

    routed: list[RoutedEvent]
    events: list[AnyRecordedEvent]
    until: int
    query: AudienceQuery
    began_at: float


class PendingWrite(NamedTuple):
    """What a batch appends: dead letters, then outputs, which reach a position."""

    dead_letters: list[RoutedEvent]
    outputs: Iterator[Output]
    reached: Position
    event_count: int
    began_at: float


class Router:
    """Routes the events of one partition from a position on."""

    def __init__(
        self,
        partition: int,
        subjects: Subjects,
        texts: Texts,
        audience_model: AudienceModel,
        topics: Topics,
        writer: FencedWriter,
        appender: Appender,
        position: Position,
        tenants_including_actor: frozenset[str] = frozenset(),
        metrics: NotifierMetrics | None = None,
    ) -> None:
        self._tenants_including_actor = tenants_including_actor
        self._partition = partition
        self._subjects = subjects
        self._texts = texts
        self.audience_model = audience_model
        self._topics = topics
        self.writer = writer
        self._appender = appender
        self._position = position
        self._writing: asyncio.Future[None] | None = None
        self._metrics = metrics or NotifierMetrics()
        self._creation_log = CreationLog(self._metrics)

    def prepare_batch(self, batch: list[StreamMessage]) -> PreparedBatch:
        """Apply the rules to a batch."""
        began_at = time.perf_counter()
        routed = [
            apply_rules(message, self._texts, self._tenants_including_actor) for message in batch
        ]
        events = [(each.event, each.effects) for each in routed if each.event]
        return PreparedBatch(
            routed,
            [event for event, _ in events],
            batch[-1].sequence,
            audience_query(events, self._topics),
            began_at,
        )

    async def route_batch(
        self, batch: list[StreamMessage], on_written: Callable[[], None] = lambda: None
    ) -> None:
        """Apply a batch while the one before is being written, then begin to write it.

        `on_written` is called once that is done. Raises the error of writing the batch before.
        """
        prepared = self.prepare_batch(batch)
        audience = await self.audience_model.apply_batch(
            prepared.events, prepared.until, prepared.query
        )
        await self.begin_write(prepared, audience, on_written)

    async def begin_write(
        self,
        prepared: PreparedBatch,
        audience: Audience,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to write a batch that is applied; raises the error of writing the batch before."""
        await self.flush()
        self.start_writing(self.pending_write(prepared, audience), on_written)

    def start_writing(
        self, pending: PendingWrite, on_written: Callable[[], None] = lambda: None
    ) -> None:
        """Write what is pending in the background; `flush` waits for it."""
        self._writing = asyncio.create_task(self._write(pending, on_written))

    def await_writing(self, written: asyncio.Future[None]) -> None:
        """Let `flush` wait until what was pending is written together with other partitions."""
        self._writing = written

    def pending_write(self, prepared: PreparedBatch, audience: Audience) -> PendingWrite:
        """Return what a batch appends; all earlier batches must have been written."""
        pending = [
            _with_refusal(each, audience)
            for each in prepared.routed
            if each.message.sequence > self._position.start_after
        ]
        self._create_topics(pending, audience)
        pending = [self._without_large_copies(each, audience) for each in pending]
        return PendingWrite(
            [each for each in pending if each.problem],
            self._outputs(pending, audience, self._position),
            max(self._position, Position(prepared.until), key=Position.sort_key),
            len(pending),
            prepared.began_at,
        )

    async def save_position(self, *, again: bool = False) -> None:
        """Save the position if it is not saved yet, or `again`.

        Raises Unavailable or Fenced, also if applied events could not be recorded.
        """
        await self.flush()
        self.audience_model.raise_problem()
        self._creation_log.write_line()
        await self.writer.save_position(self._position, again=again)

    async def stop(self) -> None:
        """Stop writing; the next takeover finds how far it came."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.audience_model.close()

    async def flush(self) -> None:
        """Wait until all routed output is appended or staged in a batch; raises what that met."""
        writing, self._writing = self._writing, None
        if writing:
            await writing

    async def _write(self, pending: PendingWrite, on_written: Callable[[], None]) -> None:
        """Write events that cannot be routed to the dead letters, the rest with the position.

        A takeover searches for outputs after the saved position only if the checkpoint of the
        audience, or `EVENTS`, tells of events after it: so the checkpoint goes first.
        """
        await self.audience_model.record_past(self.writer.newest_saved.sequence)
        await self.append_dead_letters(pending)
        await self.writer.write_outputs(pending.outputs, pending.reached)
        self.record_written(pending)
        on_written()

    async def append_dead_letters(self, pending: PendingWrite) -> None:
        """Append events that cannot be routed to `DEAD_LETTERS`, once, with the reason."""
        for each in pending.dead_letters:
            await self._dead_letter(each)

    def record_written(self, pending: PendingWrite) -> None:
        """Record that what was pending is written: go on after it, and count it."""
        self._position = pending.reached
        self._metrics.events.inc(pending.event_count)
        self._metrics.processing_seconds.observe(time.perf_counter() - pending.began_at)
        self._creation_log.count_appended()

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
        """Return whether an event counts, and nothing of it is written yet."""
        partly_written = self._position.offset and event.sequence == self._position.sequence
        return audience.counts(event) and not partly_written

    def _outputs(
        self, pending: Iterable[RoutedEvent], audience: Audience, resumed: Position
    ) -> Iterator[Output]:
        for _, event, effects, _ in pending:
            if event and audience.counts(event):
                done = resumed.offset if event.sequence == resumed.sequence else 0
                drafts = messages(
                    event, effects, audience, self._topics, self._subjects, self._texts
                )
                for output in outputs_of(event, drafts, done):
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


def _with_refusal(routed: RoutedEvent, audience: Audience) -> RoutedEvent:
    """Return an event without effects if its changes were refused, with the reason."""
    reason = audience.refused.get(routed.message.sequence)
    return routed if reason is None else routed._replace(effects=[], problem=reason)
