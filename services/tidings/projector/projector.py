"""The projector: follows a projection's stream and keeps its live read model up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

from tidings.projections import (
    ACTIVITY,
    AUDIENCE,
    DELIVERIES,
    INBOX,
    METRICS,
    PREFERENCES,
    RECEIPTS,
)
from tidings.projections.audience.queries import SWEEP_CLOSINGS, SWEEP_GROUPED
from tidings.projections.deliveries.queries import SWEEP_DELIVERIES
from tidings.projections.inbox.queries import SWEEP_INBOX
from tidings.projections.projection import Projection
from tidings.projections.receipts.queries import SWEEP_RECEIPTS
from tidings.projector.apply import Batch
from tidings.projector.member import Member, open_member
from tidings.projector.pause import SHORT_PAUSE_SECONDS, open_pause
from tidings.runtime.log.follow import Pulls, StreamMessage, follow
from tidings.runtime.metrics.follower_lag import FollowPosition
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import live_model

BATCH_MESSAGES = 2000
INBOX_PAUSE_SECONDS = 0.05
SECONDARY_PAUSE_SECONDS = 0.25
"""For how long messages gather after a batch: a transaction each would cost most of all.

A message that comes after a longer silence is written at once.
"""
PAUSE_GROWTH_MESSAGES = 100
PAUSE_GROWTH_LIMIT = 4.0
"""The pause grows with the batch before it, up to this many times."""
UNMATCHED_LIMIT_MESSAGES = 100_000
"""So many messages that are not the projection's move its checkpoint, so that it does not read them
again when it follows anew."""
DISTANCE_MESSAGES = 10_000
"""A projection that is farther behind the others does not hold them up."""
DECISION_PAUSE_SECONDS = 0.005
"""The pause of read models while decisions wait for them: it is part of the time until a mail
leaves."""
EVENT_PROJECTIONS = (METRICS, ACTIVITY)
"""Read models of the same events, which follow them together."""
EXPIRED_ROWS = (
    (INBOX, SWEEP_INBOX),
    (RECEIPTS, SWEEP_RECEIPTS),
    (DELIVERIES, SWEEP_DELIVERIES),
    (AUDIENCE, SWEEP_GROUPED),
    (AUDIENCE, SWEEP_CLOSINGS),
)


async def run_projector(runtime: Runtime, ready: Callable[[], None] = lambda: None) -> None:
    """Run the projector until a permanent error; ready once the inbox's checkpoint is read."""
    async with asyncio.TaskGroup() as group:
        group.create_task(run_forever(INBOX.name, lambda: run_projection(runtime, INBOX, ready)))
        for projection in (DELIVERIES, PREFERENCES):
            awaited = partial(
                run_projection,
                runtime,
                projection,
                pause_seconds=SECONDARY_PAUSE_SECONDS,
                short_pause_seconds=DECISION_PAUSE_SECONDS,
            )
            group.create_task(run_forever(projection.name, awaited))
        receipts = partial(run_projection, runtime, RECEIPTS, pause_seconds=SECONDARY_PAUSE_SECONDS)
        group.create_task(run_forever(RECEIPTS.name, receipts))
        events = partial(run_together, runtime, EVENT_PROJECTIONS)
        group.create_task(run_forever("events", events))
        group.create_task(run_forever("sweep", lambda: delete_expired_rows(runtime)))


async def run_projection(
    runtime: Runtime,
    projection: Projection,
    ready: Callable[[], None] = lambda: None,
    *,
    pause_seconds: float = INBOX_PAUSE_SECONDS,
    short_pause_seconds: float = SHORT_PAUSE_SECONDS,
) -> None:
    """Follow the stream from the checkpoint; raises Transient to be tried again, or LogLost.

    Batches are `pause_seconds` apart, `short_pause_seconds` while somebody waits for the rows.
    """
    member = await open_member(runtime, projection)
    ready()
    await _follow(runtime, [member], (pause_seconds, short_pause_seconds), _refuse_to_separate)


async def run_together(runtime: Runtime, projections: Sequence[Projection]) -> None:
    """Follow a stream once for several projections; raises as `run_projection`, once all failed.

    One that fails alone, or is far behind, follows alone until the next attempt.
    """
    members = [await open_member(runtime, projection) for projection in projections]
    newest = max(member.sequence for member in members)
    near = [member for member in members if newest - member.sequence <= DISTANCE_MESSAGES]
    async with asyncio.TaskGroup() as group:

        def separate(member: Member) -> None:
            group.create_task(_run_alone(runtime, member.projection))

        for member in members:
            if member not in near:
                separate(member)
        pauses = (SECONDARY_PAUSE_SECONDS, SHORT_PAUSE_SECONDS)
        await _follow(runtime, near, pauses, separate)


async def _run_alone(runtime: Runtime, projection: Projection) -> None:
    runtime.metrics.followers.separate_position(_follower_name(projection))
    attempt = partial(run_projection, runtime, projection, pause_seconds=SECONDARY_PAUSE_SECONDS)
    await run_forever(projection.name, attempt)


async def _follow(
    runtime: Runtime,
    members: list[Member],
    pauses: tuple[float, float],
    separate: Callable[[Member], None],
) -> None:
    """Write what the stream has after the checkpoints; raises Transient once all members failed.

    `pauses`: seconds between batches, and while somebody waits for the rows. `separate` is called
    with a member that failed while others did not.
    """
    projection = members[0].projection
    position = runtime.metrics.followers.share_position(
        [_follower_name(member.projection) for member in members]
    )
    batches = follow(
        runtime.jetstream,
        projection.stream,
        projection.subjects,
        after=min(member.sequence for member in members),
        epoch=runtime.epochs[projection.stream],
        limit=BATCH_MESSAGES,
        position=position,
        pulls=Pulls.GATHERING,
    )
    reached = 0
    names = [member.projection.name for member in members]
    async with (
        open_pause(runtime.jetstream, names, pauses[1]) as pause,
        aclosing(batches),
        asyncio.TaskGroup() as group,
    ):
        async for batch in batches:
            _separate_failed(members, separate)
            await _write(members, batch, position, group)
            if position.reached > reached:
                reached = position.reached
                await pause.wait(_pause(pauses[0], len(batch), int(position.pending)))


def _separate_failed(members: list[Member], separate: Callable[[Member], None]) -> None:
    failed = [member for member in members if member.failure]
    if failed and len(failed) == len(members) and (failure := failed[0].failure):
        raise failure
    for member in failed:
        members.remove(member)
        separate(member)


async def _write(
    members: list[Member],
    messages: Sequence[StreamMessage],
    position: FollowPosition,
    group: asyncio.TaskGroup,
) -> None:
    """Begin to write a batch to every read model; the events in it are decoded once."""

    def release_written() -> None:
        if all(member.is_idle for member in members):
            position.release()

    decode = members[0].projection.decode
    shared_decode = _decode_once(decode) if decode and len(members) > 1 else decode
    for member in members:
        batch = await member.prepare(messages, shared_decode)
        if batch is None and position.reached - member.sequence >= UNMATCHED_LIMIT_MESSAGES:
            batch = Batch((), member.sequence, position.reached, [])
        if batch:
            await member.write(batch, group, release_written)
            position.in_flight, position.batch = messages, ()


def _decode_once(decode: Callable[[StreamMessage], Any]) -> Callable[[StreamMessage], Any]:
    """Return a decoder that keeps what it returned for the messages of one batch."""
    decoded: dict[int, Any] = {}

    def decode_once(message: StreamMessage) -> Any:
        if message.sequence not in decoded:
            decoded[message.sequence] = decode(message)
        return decoded[message.sequence]

    return decode_once


def _pause(seconds: float, messages: int, pending: int) -> float:
    """Return for how long to let messages gather after a batch; none while a whole one waits."""
    if pending >= BATCH_MESSAGES or messages >= BATCH_MESSAGES:
        return 0.0
    return seconds * min(PAUSE_GROWTH_LIMIT, max(1.0, messages / PAUSE_GROWTH_MESSAGES))


def _follower_name(projection: Projection) -> str:
    return f"projection_{projection.name}"


def _refuse_to_separate(member: Member) -> None:
    raise AssertionError(f"{member.projection.name} follows alone")


async def delete_expired_rows(runtime: Runtime) -> None:
    """Delete rows that are no longer visible, at intervals; visibility never depends on it."""
    while True:
        for projection, statement in EXPIRED_ROWS:
            model = await live_model(runtime.postgres, projection)
            async with runtime.postgres.connection() as connection:
                await connection.execute(
                    model.sql(statement), (timedelta(days=runtime.settings.retention_days),)
                )
        await asyncio.sleep(runtime.settings.sweep_interval_seconds)
