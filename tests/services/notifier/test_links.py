"""Links: recipients in a relation to the object that another object is linked to; time zones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tidings.contracts.codec import decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.relations import RelatedThrough
from tidings.domains.people.events import Dialect, TenantConfigured, UserJoined, UserLeft
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
)
from tidings.notifier.audience.audience import Audience, AudienceQuery
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.member_rows import query_audience
from tidings.projections.audience.projection import AUDIENCE
from tidings.projections.audience.queries import DIALECTS_OF_TENANTS
from tidings.runtime.readmodels.read_model import live_model

from tests.services.notifier.partition import OwnPartition

MANAGERS_OF_TASK = RelatedThrough("task:1", "project", "manager")
DONE = TaskCompleted(task_id="1", task_title="Water")


def assignment(project: str | None = None) -> TaskAssigned:
    return TaskAssigned(task_id="1", task_title="Water", user_id="ann", project_id=project)


def manager(user: str, project: str) -> TeamMemberAdded:
    return TeamMemberAdded(project_id=project, user_id=user, role="manager")


async def apply_events(
    partition: OwnPartition, events: Sequence[Event], *, batch_size: int = 100
) -> tuple[list[AnyRecordedEvent], Audience]:
    """Append events, apply them in batches; return them with the audience of the last batch."""
    after = partition.since
    for event in events:
        await partition.append_event(event)
    recorded = [
        decode_recorded_event(each.data, each.sequence, each.time_nanoseconds)
        for each in await partition.read_events(after=after)
    ]
    model = await live_model(partition.runtime.postgres, AUDIENCE)
    checkpoint = await model.checkpoint(
        partition.runtime.postgres, partition.epoch, partition.number
    )
    fold = AudienceModel(partition.runtime.postgres, model, partition.number, checkpoint.sequence)
    audience = Audience(frozenset(), {})
    for first in range(0, len(recorded), batch_size):
        batch = recorded[first : first + batch_size]
        audience = await fold.apply_batch(batch, batch[-1].sequence, query_of(partition))
    return recorded, audience


def query_of(partition: OwnPartition) -> AudienceQuery:
    query = AudienceQuery()
    query.add_members(partition.tenant, MANAGERS_OF_TASK, True)
    return query


MOVES_TO_Q: tuple[Event, ...] = (
    assignment("q"),
    TaskStatusChanged(task_id="1", task_title="Water", new_status="begun", project_id="q"),
    TaskCompleted(task_id="1", task_title="Water", project_id="q"),
    TimelogApproved(timelog_id="9", user_id="ann", hours=1, project_id="q", task_id="1"),
)
HOURS_WITHOUT_TASK = TimelogApproved(timelog_id="9", user_id="ann", hours=1, project_id="q")


async def managers_at_the_end(partition: OwnPartition, events: Sequence[Event]) -> list[str]:
    """Return the managers of the task's project as of the last event."""
    recorded, audience = await apply_events(partition, events, batch_size=2)
    return audience.recipients(recorded[-1], (MANAGERS_OF_TASK,), None)


@pytest.mark.parametrize(
    ("events", "managers"),
    [
        ([manager("mia", "p"), assignment("p"), DONE], ["mia"]),
        ([assignment("p"), manager("mia", "p"), DONE], ["mia"]),
        ([manager("mia", "p"), assignment(), DONE], []),
        ([manager("mia", "p"), assignment("p"), assignment(), DONE], ["mia"]),
        *(
            ([manager("mia", "p"), manager("noa", "q"), assignment("p"), move, DONE], ["noa"])
            for move in MOVES_TO_Q
        ),
        ([manager("mia", "p"), assignment("p"), HOURS_WITHOUT_TASK, DONE], ["mia"]),
        ([manager("noa", "q"), MOVES_TO_Q[1], TaskDeleted(task_id="1"), DONE], []),
        (
            [
                manager("mia", "p"),
                assignment("p"),
                assignment("p"),
                TeamMemberRemoved(project_id="p", user_id="mia"),
            ],
            [],
        ),
        ([manager("mia", "p"), assignment("p"), TaskDeleted(task_id="1")], []),
    ],
    ids=[
        "the manager was there before the assignment",
        "the manager came after the assignment",
        "the assignment names no project",
        "a later assignment without a project changes nothing",
        *(f"a later {move.type} names another project" for move in MOVES_TO_Q),
        "approved hours without a task change nothing",
        "the task was deleted after an event of its status named the project",
        "the manager left",
        "the task was deleted",
    ],
)
async def test_the_managers_of_a_tasks_project_are_those_as_of_the_event(
    partition: OwnPartition, events: Sequence[Event], managers: list[str]
) -> None:
    assert await managers_at_the_end(partition, events) == managers


@pytest.mark.parametrize("user", ["project:p", "project", "task:1"])
async def test_a_user_whose_id_equals_a_linked_object_does_not_end_the_link_by_leaving(
    partition: OwnPartition, user: str
) -> None:
    events = [manager("mia", "p"), assignment("p"), UserJoined(user_id=user)]

    found = await managers_at_the_end(partition, [*events, UserLeft(user_id=user), DONE])

    assert found == ["mia"]


async def test_just_before_a_task_is_deleted_its_project_is_known(partition: OwnPartition) -> None:
    recorded, audience = await apply_events(
        partition, [manager("mia", "p"), assignment("p"), TaskDeleted(task_id="1")]
    )

    found = audience.recipients(recorded[-1], (MANAGERS_OF_TASK,), None, before=True)

    assert found == ["mia"]


async def test_events_that_are_routed_again_have_the_project_of_their_time(
    partition: OwnPartition,
) -> None:
    events = [manager("mia", "p"), manager("noa", "q"), assignment("p"), DONE, assignment("q")]
    recorded, applied = await apply_events(partition, [*events, DONE])
    model = await live_model(partition.runtime.postgres, AUDIENCE)

    again = await query_audience(
        partition.runtime.postgres,
        model,
        query_of(partition),
        recorded[0].sequence,
        recorded[-1].sequence,
    )

    found = [
        (audience.recipients(recorded[3], (MANAGERS_OF_TASK,), None), last)
        for audience in (applied, again)
        for last in audience.recipients(recorded[5], (MANAGERS_OF_TASK,), None)
    ]
    assert found == [(["mia"], "noa")] * 2


async def test_a_link_of_another_tenant_has_no_effect(partition: OwnPartition) -> None:
    other = await partition.new_partition()
    await apply_events(other, [manager("mia", "p"), assignment("p")])

    assert await managers_at_the_end(partition, [manager("eve", "p"), DONE]) == []


async def test_a_user_has_the_time_zone_of_their_last_joining_before_the_event(
    partition: OwnPartition,
) -> None:
    recorded, audience = await apply_events(
        partition,
        [
            manager("mia", "p"),
            assignment("p"),
            UserJoined(user_id="mia", locale="de", timezone="Europe/Berlin"),
            UserJoined(user_id="mia", name="Mia"),
            UserJoined(user_id="mia", timezone="America/New_York"),
            UserJoined(user_id="mia", timezone="?"),
            DONE,
        ],
    )

    zones = [audience.timezone_of(event, "mia") for event in recorded]

    berlin, new_york = "Europe/Berlin", "America/New_York"
    assert zones == ["", "", berlin, berlin, new_york, "", ""]
    assert audience.locale_of(recorded[-1], "mia") == "de"


@pytest.mark.parametrize(
    ("dialects", "expected"),
    [
        ([], []),
        (["chat"], ["chat"]),
        (["chat", "incidents"], ["incidents"]),
        (["chat", "chat", None], []),
    ],
)
async def test_the_dialect_of_a_tenant_is_that_of_its_newest_configuration(
    partition: OwnPartition, dialects: Sequence[Dialect | None], expected: list[str]
) -> None:
    leaving = [UserJoined(user_id="tenant"), UserLeft(user_id="tenant")]
    configured = [TenantConfigured(dialect=dialect) for dialect in dialects]
    await apply_events(partition, [*configured, *leaving], batch_size=2)

    async with partition.runtime.postgres.connection() as connection:
        rows = await connection.execute(DIALECTS_OF_TENANTS, ([partition.tenant],))
        found = [name for _, name in await rows.fetchall()]

    assert found == expected
