"""The publisher: publishes the announcement of each schedule at its time, once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.reading import Reading
from tidings.channels.schedules.schedule import Schedule, schedule_of
from tidings.contracts.messages import OwnEventSubject, own_event_message
from tidings.contracts.subjects import ANNOUNCEMENT_EVENTS, EVENTS
from tidings.projections.preferences.queries import SCHEDULES_NOW
from tidings.runtime.log.follow import follow
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime, run_forever

SLEEP_LIMIT_SECONDS = 3600.0
log = logging.getLogger("tidings.schedules")


async def run_schedules(runtime: Runtime) -> None:
    """Publish what is scheduled until a permanent error.

    It needs no leader: an announcement that is published twice has the same id, and counts once.
    """
    publisher = SchedulePublisher(runtime)
    await run_forever("schedules", publisher.run)


class SchedulePublisher:
    """Sleeps until a schedule is due, by the log's clock, and publishes its announcement."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._reading = Reading(runtime)
        self._appender = runtime.appender()
        self._changed = asyncio.Event()
        self._skipped = set[tuple[str, str, datetime]]()

    async def run(self) -> None:
        """Publish until something fails; raises Unavailable or LogLost."""
        after = (await stream_state(self._runtime.jetstream, EVENTS)).last_sequence
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_changes(after))
            while True:
                self._changed.clear()
                at = await log_time(self._runtime.jetstream)
                dues = self._dues(await self._read(), at)
                if dues and dues[0][0] <= at:
                    await self._publish([each for each in dues if each[0] <= at])
                else:
                    await self._sleep(dues[0][0] if dues else None, at)

    async def _follow_changes(self, after: int) -> None:
        """Wake the publisher when a schedule may have changed."""
        batches = follow(
            self._runtime.jetstream,
            EVENTS,
            (ANNOUNCEMENT_EVENTS,),
            after=after,
            epoch=self._runtime.epochs[EVENTS],
        )
        async with aclosing(batches):
            async for batch in batches:
                if batch:
                    self._changed.set()

    async def _read(self) -> Sequence[Schedule]:
        """Return all schedules, as of all that is acknowledged by now."""
        barrier = await self._reading.barrier()
        await self._reading.wait_for_settings(barrier.event)
        async with self._runtime.postgres.connection() as connection:
            rows: Any = await connection.execute(SCHEDULES_NOW.encode(), {"tenant": None})
            return [schedule_of(row) for row in await rows.fetchall()]

    def _dues(self, schedules: Sequence[Schedule], at: datetime) -> list[tuple[datetime, Schedule]]:
        """Return each schedule with its next time, the earliest first; tell of those skipped."""
        dues = list[tuple[datetime, Schedule]]()
        for each in schedules:
            moment, first = each.next_in_time(at), each.next_time()
            if first and moment != first:
                self._tell_skipped(each, first)
            if moment:
                dues.append((moment, each))
        return sorted(dues, key=lambda due: due[0])

    def _tell_skipped(self, schedule: Schedule, moment: datetime) -> None:
        skipped = (schedule.tenant, schedule.id, moment)
        if skipped not in self._skipped:
            self._skipped.add(skipped)
            log.warning(
                "schedule %s of %s: its time %s is more than a day ago; not published for it",
                schedule.id,
                schedule.tenant,
                moment.isoformat(),
            )

    async def _sleep(self, due: datetime | None, at: datetime) -> None:
        seconds = (due - at).total_seconds() if due else SLEEP_LIMIT_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, SLEEP_LIMIT_SECONDS)):
                await self._changed.wait()

    async def _publish(self, dues: Sequence[tuple[datetime, Schedule]]) -> None:
        runtime = self._runtime
        for moment, schedule in dues:
            occurrence = moment.astimezone(UTC)
            await self._appender.append(
                own_event_message(
                    schedule.event_at(occurrence),
                    schedule.tenant,
                    OwnEventSubject("schedule", schedule.id),
                    actor=None,
                    id=runtime.own_ids.schedule_event_id(
                        schedule.tenant, schedule.id, occurrence.isoformat()
                    ),
                    at=occurrence,
                    subjects=runtime.settings.subjects,
                )
            )
