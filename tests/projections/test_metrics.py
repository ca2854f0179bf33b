"""The metrics: what events add up to, compared with the simplest telling of it, one event at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hypothesis import Phase, given, settings
from tidings.contracts import events
from tidings.contracts.codec import InvalidEvent, instant, recorded
from tidings.contracts.events import AnyRecorded
from tidings.projections.hours import seconds
from tidings.projections.projection import Message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodel import ReadModel

from tests.projections.folding import fold, rows, undone
from tests.projections.logs import batches, event_logs

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=30, phases=FINDING)

COUNTED = (
    *(events.TimelogApproved, events.TimelogRejected, events.MilestoneCompleted),
    *(events.TaskAssigned, events.TaskCompleted, events.TaskStatusChanged, events.TaskDeleted),
)
Times = dict[tuple[str, str], datetime]


class Told:
    """Time logs with their seconds, 0 if not approved; tasks as assigned, done and deleted; milestones."""

    def __init__(self) -> None:
        self.timelogs: dict[tuple[str, str], tuple[int, bool]] = {}
        self.tasks: set[tuple[str, str]] = set()
        self.assigned: Times = {}
        self.done: Times = {}
        self.deleted: set[tuple[str, str]] = set()
        self.milestones: set[tuple[str, str, str]] = set()

    def take(self, found: AnyRecorded) -> None:
        tenant, event, at = found.tenant, found.event, instant(found.time_nanoseconds)
        match event:
            case events.TimelogApproved() | events.TimelogRejected():
                self.timelogs[tenant, event.timelog_id] = (
                    seconds(event.hours),
                    isinstance(event, events.TimelogApproved),
                )
            case events.MilestoneCompleted():
                self.milestones.add((tenant, event.project_id, event.milestone_id))
            case events.TaskAssigned():
                self._task(tenant, event.task_id, self.assigned, at)
            case events.TaskCompleted() | events.TaskStatusChanged(new_status="Done"):
                self._task(tenant, event.task_id, self.done, at)
            case events.TaskStatusChanged():
                self._task(tenant, event.task_id, {}, at)
                self.done.pop((tenant, event.task_id), None)
            case events.TaskDeleted():
                self._task(tenant, event.task_id, {}, at)
                self.deleted.add((tenant, event.task_id))
            case _:
                pass

    def _task(self, tenant: str, task: str, times: Times, at: datetime) -> None:
        self.tasks.add((tenant, task))
        times.setdefault((tenant, task), at)


def first(log: list[Message]) -> Iterator[AnyRecorded]:
    """Each event of a log that counts, once."""
    known = set[str]()
    for message in log:
        try:
            found = recorded(message.data, message.sequence, message.time_nanoseconds)
        except InvalidEvent:
            continue
        if isinstance(found.event, COUNTED) and found.key not in known:
            known.add(found.key)
            yield found


@LAW
@given(log=event_logs(most=80))
async def test_the_rows_say_what_the_events_said_each_once(
    runtime: Runtime, models: dict[str, ReadModel], log: list[Message]
) -> None:
    told = Told()
    for event in first(log):
        told.take(event)

    async with undone(runtime.postgres) as connection:
        await fold(connection, models["metrics"], batches(log, [3, 1, 8]))
        found = await rows(connection, models["metrics"].schema)

    assert {(row[0], row[1]): (row[7], row[8]) for row in found["timelog"]} == told.timelogs
    assert {
        (tenant, task): (assigned, done, deleted)
        for tenant, task, _, assigned, done, deleted in found["task"]
    } == {
        which: (told.assigned.get(which), told.done.get(which), which in told.deleted)
        for which in told.tasks
    }
    assert {row[:3] for row in found["milestone"]} == told.milestones
