"""The metrics: their rows equal those of a model that applies one event at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hypothesis import Phase, given, settings
from tidings.contracts.codec import InvalidEvent, decode_recorded_event, instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TimelogApproved,
    TimelogRejected,
)
from tidings.projections.metrics.hours import whole_seconds
from tidings.projections.projection import LogMessage
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, read_rows, roll_back
from tests.projections.logs import batches, event_logs

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=30, phases=FINDING)

COUNTED = (
    *(TimelogApproved, TimelogRejected, MilestoneCompleted),
    *(TaskAssigned, TaskCompleted, TaskStatusChanged, TaskDeleted),
)
Times = dict[tuple[str, str], datetime]


class ExpectedMetrics:
    """Time logs with seconds (0 if rejected); tasks with times and deletion; milestones."""

    def __init__(self) -> None:
        self.timelogs: dict[tuple[str, str], tuple[int, bool]] = {}
        self.tasks: set[tuple[str, str]] = set()
        self.assigned: Times = {}
        self.done: Times = {}
        self.deleted: set[tuple[str, str]] = set()
        self.milestones: set[tuple[str, str, str]] = set()

    def apply(self, recorded: AnyRecordedEvent) -> None:
        tenant, event, at = recorded.tenant, recorded.event, instant(recorded.time_nanoseconds)
        match event:
            case TimelogApproved() | TimelogRejected():
                self.timelogs[tenant, event.timelog_id] = (
                    whole_seconds(event.hours),
                    isinstance(event, TimelogApproved),
                )
            case MilestoneCompleted():
                self.milestones.add((tenant, event.project_id, event.milestone_id))
            case TaskAssigned():
                self._task(tenant, event.task_id, self.assigned, at)
            case TaskCompleted() | TaskStatusChanged(new_status="Done"):
                self._task(tenant, event.task_id, self.done, at)
            case TaskStatusChanged():
                self._task(tenant, event.task_id, {}, at)
                self.done.pop((tenant, event.task_id), None)
            case TaskDeleted():
                self._task(tenant, event.task_id, {}, at)
                self.deleted.add((tenant, event.task_id))
            case _:
                pass

    def _task(self, tenant: str, task: str, times: Times, at: datetime) -> None:
        self.tasks.add((tenant, task))
        times.setdefault((tenant, task), at)


def first_occurrences(log: list[LogMessage]) -> Iterator[AnyRecordedEvent]:
    """Yield each event of a log once."""
    keys = set[str]()
    for message in log:
        try:
            recorded = decode_recorded_event(
                message.data, message.sequence, message.time_nanoseconds, message.subject
            )
        except InvalidEvent:
            continue
        if isinstance(recorded.event, COUNTED) and recorded.key not in keys:
            keys.add(recorded.key)
            yield recorded


@LAW
@given(log=event_logs(most=80))
async def test_the_rows_equal_those_of_the_model_for_unique_events(
    runtime: Runtime, models: dict[str, ReadModel], log: list[LogMessage]
) -> None:
    expected = ExpectedMetrics()
    for event in first_occurrences(log):
        expected.apply(event)

    async with roll_back(runtime.postgres) as connection:
        await fold(connection, models["metrics"], batches(log, [3, 1, 8]))
        rows = await read_rows(connection, models["metrics"].schema)

    assert {(row[0], row[1]): (row[7], row[8]) for row in rows["timelog"]} == expected.timelogs
    assert {
        (tenant, task): (assigned, done, deleted)
        for tenant, task, _, assigned, done, deleted in rows["task"]
    } == {
        which: (expected.assigned.get(which), expected.done.get(which), which in expected.deleted)
        for which in expected.tasks
    }
    assert {row[:3] for row in rows["milestone"]} == expected.milestones
