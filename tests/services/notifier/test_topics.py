"""Topics: an announcement to many is written once, and each gets what they would get alone."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from tidings.contracts.event import Event
from tidings.contracts.subjects import NOTIFICATIONS, Person, partition_topics_subject
from tidings.domains.announcements.events import Addressees
from tidings.domains.barbershop.events import LocationStaffJoined, TeamScheduleChanged
from tidings.domains.field_service.events import WorkOrderDeleted, WorkOrderUpdated
from tidings.domains.people.events import RoleGranted, RoleRevoked, UserJoined, UserLeft
from tidings.domains.volunteers.events import (
    ProjectStatusChanged,
    TaskAssigned,
    TaskDeleted,
    TeamMemberAdded,
    TeamMemberRemoved,
)
from tidings.projections.inbox.inbox_state import InboxState
from tidings.runtime.log.fenced_writer import OUTPUTS_PER_BATCH
from tidings.runtime.log.position import Position
from tidings.runtime.log.read import stream_subjects

from tests.builders import make_typed_announcement
from tests.delivered_titles import DeliveredTitles, read_tenant_log
from tests.projections.test_inbox_state import apply_log
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.test_crashes import Crash, DyingWriter

NEVER = 1_000_000
USERS = [f"u-{number:02}" for number in range(9)]
GONE = "Task Deleted"
CROWD = [f"u-{number:04}" for number in range(2100)]
EVERYONE = Addressees(everyone=True)


@pytest.fixture
async def partition(partition: OwnPartition) -> OwnPartition:
    """Return a partition that was routed before, so that only new events are routed."""
    return await partition.prepared_partition()


def make_joins(*users: str) -> list[Event]:
    return [UserJoined(user_id=user) for user in users]


async def route_facts(
    partition: OwnPartition, facts: Sequence[Event] = (), *, actor: str | None = None
) -> DeliveredTitles:
    """Append events, route all that are left in a new process; return who got what."""
    for fact in facts:
        await partition.append_event(fact, actor=actor)
    await route_until_crash(partition, NEVER)
    return await read_titles(partition)


async def route_until_crash(partition: OwnPartition, outputs: int) -> None:
    """Route the rest in a process that dies after that many outputs."""
    fence = await partition.take_over()
    writer = partition.make_writer(fence, DyingWriter)
    assert isinstance(writer, DyingWriter)
    writer.dies_after = outputs
    router = await partition.make_router(fence, writer)
    after = fence.position.start_after
    try:
        while batch := await partition.read_events(after=after):
            await router.route_batch(batch)
            after = batch[-1].sequence
        await router.flush()
        await router.save_position()
    except Crash:
        await writer.flush()


async def read_titles(partition: OwnPartition) -> DeliveredTitles:
    return DeliveredTitles().add_messages(
        await read_tenant_log(partition.runtime.jetstream, partition.tenant, partition.since)
    )


async def list_topics(partition: OwnPartition) -> list[str]:
    return await stream_subjects(
        partition.runtime.jetstream,
        NOTIFICATIONS,
        partition_topics_subject(partition.number),
        at_least=0,
    )


async def test_an_announcement_to_more_than_the_limit_is_written_once_for_all(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 2
    await route_facts(
        partition,
        [*make_joins(*USERS[:2]), make_typed_announcement("to two"), *make_joins(USERS[2])],
    )

    first = await route_facts(partition, [make_typed_announcement("to three")])
    second = await route_facts(partition, [make_typed_announcement("again")])

    assert (first.personal_count, first.membership_count, first.topic_count) == (2, 3, 1)
    assert (second.personal_count, second.membership_count, second.topic_count) == (2, 3, 2)
    assert second.titles == {
        USERS[0]: ["to two", "to three", "again"],
        USERS[1]: ["to two", "to three", "again"],
        USERS[2]: ["to three", "again"],
    }


async def test_members_get_exactly_the_announcements_of_their_membership(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    leaver, returner, newcomer = USERS[:3]
    history = [
        *make_joins(leaver, returner),
        make_typed_announcement("one"),
        UserLeft(user_id=leaver),
        *make_joins(newcomer),
        make_typed_announcement("two"),
        UserLeft(user_id=returner),
        make_typed_announcement("three"),
        *make_joins(returner),
        make_typed_announcement("four"),
    ]

    delivered = await route_facts(partition, history)

    assert delivered.titles == {
        leaver: ["one"],
        returner: ["one", "two", "four"],
        newcomer: ["two", "three", "four"],
    }
    assert delivered.topic_count == 4


async def test_the_actor_is_excluded_from_a_topic(partition: OwnPartition) -> None:
    partition.topic_threshold_members = 1
    staff: list[Event] = [LocationStaffJoined(location_id="7", user_id=user) for user in USERS[:3]]
    update = TeamScheduleChanged(location_id="7", message="-")
    await route_facts(partition, [*staff, update])

    delivered = await route_facts(partition, [update], actor=USERS[1])

    assert delivered.topic_count == 2
    assert [delivered.titles[user].count("Schedule changed") for user in USERS[:3]] == [
        2,
        1,
        2,
    ]


async def test_assignees_of_a_deleted_task_get_the_deletion_and_nothing_later(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    assignments: list[Event] = [
        TaskAssigned(task_id="7", task_title="-", user_id=user, assigned_by=user)
        for user in USERS[:3]
    ]
    to = Addressees(relation="task:7#assignee")
    await route_facts(partition, [*assignments, make_typed_announcement("one", to)])
    history = [
        TaskDeleted(task_id="7"),
        make_typed_announcement("two", to),
        assignments[0],
        make_typed_announcement("three", to),
    ]

    delivered = await route_facts(partition, history)

    assert delivered.titles == {
        USERS[0]: ["Task Assigned", "one", GONE, "Task Assigned", "three"],
        USERS[1]: ["Task Assigned", "one", GONE],
        USERS[2]: ["Task Assigned", "one", GONE],
    }
    assert delivered.topic_count == 3


async def test_a_retraction_of_a_topic_removes_it_from_the_intended_users_only(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    office: list[Event] = [RoleGranted(user_id=user, role="office") for user in USERS[:3]]
    alarm = WorkOrderUpdated(work_order_id="7", status="open", alert_office=True)
    removals: list[Event] = [
        RoleRevoked(user_id=USERS[2], role="office"),
        WorkOrderDeleted(work_order_id="7"),
    ]
    delivered = await route_facts(partition, [*office, alarm])

    await route_facts(partition, removals)

    log = await read_tenant_log(partition.runtime.jetstream, partition.tenant, partition.since)
    inboxes = [
        apply_log(InboxState(100, 86_400.0), Person(partition.tenant, user), log).listed_states(
            time.time()
        )
        for user in USERS[:3]
    ]
    assert delivered.topic_count == 1
    assert [[state.facets.type for state in states] for states in inboxes[:2]] == [
        ["work_order.deleted"]
    ] * 2
    assert [state.facets.type for state in inboxes[2]] == ["work_order.updated"] * 2


async def test_a_user_named_beside_their_relation_is_notified_once(partition: OwnPartition) -> None:
    partition.topic_threshold_members = 1
    await route_facts(partition, [*make_joins(*USERS[:3]), make_typed_announcement("shared")])

    delivered = await route_facts(
        partition,
        [make_typed_announcement("mixed", Addressees(users=(USERS[0], USERS[5]), everyone=True))],
    )

    assert delivered.titles == {
        **{user: ["shared", "mixed"] for user in USERS[:3]},
        USERS[5]: ["mixed"],
    }
    assert (delivered.topic_count, delivered.personal_count) == (1, 4)


async def test_a_topic_remains_one_with_fewer_members_or_a_higher_limit(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    await route_facts(
        partition,
        [*make_joins(*USERS[:2]), make_typed_announcement("one"), UserLeft(user_id=USERS[0])],
    )
    partition.topic_threshold_members = NEVER

    delivered = await route_facts(partition, [make_typed_announcement("two")])

    assert delivered.topic_count == 2
    assert delivered.titles == {USERS[0]: ["one"], USERS[1]: ["one", "two"]}


async def test_a_repeated_event_neither_joins_nor_notifies_twice(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    for _ in range(2):
        await partition.append_event(make_typed_announcement("before"), "before")
        for user in USERS[:3]:
            await partition.append_event(UserJoined(user_id=user), user)
        await partition.append_event(make_typed_announcement("after"), "after")

    delivered = await route_facts(partition)

    assert delivered.titles == {user: ["after"] for user in USERS[:3]}
    assert (delivered.membership_count, delivered.topic_count) == (3, 1)


async def test_ambiguous_and_oversized_relations_do_not_become_topics(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 0
    ambiguous = TeamMemberAdded(project_id="a#b", user_id=USERS[0])
    oversized = TeamMemberAdded(project_id="é" * 100, user_id=USERS[0])
    status_changes = [
        ProjectStatusChanged(project_id=name, project_name="-", new_status="-")
        for name in ("a#b", "é" * 100)
    ]

    delivered = await route_facts(partition, [ambiguous, oversized, *status_changes])

    assert await list_topics(partition) == []
    assert delivered.titles[USERS[0]].count("Project Status Changed") == 2


@pytest.mark.parametrize("limit", [0, NEVER])
@pytest.mark.parametrize("crash_points", [(0,), (2000,), (2101,), (2050, 700)], ids=str)
async def test_a_relation_becomes_a_topic_once_despite_crashes_and_a_changed_limit(
    partition: OwnPartition, crash_points: tuple[int, ...], limit: int
) -> None:
    await partition.append_joins(CROWD)
    await route_until_crash(partition, NEVER)
    partition.topic_threshold_members = 1000
    await partition.append_event(make_typed_announcement("one"))
    for after in crash_points:
        await route_until_crash(partition, after)
        partition.topic_threshold_members = limit

    delivered = await route_facts(partition, [make_typed_announcement("two")])

    assert delivered.titles == {user: ["one", "two"] for user in CROWD}
    assert len(await list_topics(partition)) == (delivered.topic_count > 0)
    assert (delivered.topic_count, delivered.personal_count) in (
        {(2, 0)} if limit <= 1000 else {(2, 0), (0, 2 * len(CROWD))}
    )


@pytest.mark.parametrize("dies_after", [400, 2050])
async def test_an_event_that_began_as_personal_messages_ends_so_despite_a_lower_limit(
    partition: OwnPartition, dies_after: int
) -> None:
    partition.topic_threshold_members = NEVER
    await partition.append_joins(CROWD)
    await route_until_crash(partition, NEVER)
    sequence = await partition.append_event(make_typed_announcement("one"))
    await route_until_crash(partition, dies_after)
    before = await read_titles(partition)
    partition.topic_threshold_members = 0

    delivered = await route_facts(partition)

    assert delivered.titles == {user: ["one"] for user in CROWD}
    assert (before.personal_count > 0) == (dies_after > 2 * OUTPUTS_PER_BATCH)
    assert (delivered.personal_count, delivered.topic_count) == (
        (len(CROWD), 0) if before.personal_count else (0, 1)
    )
    assert (await partition.take_over()).position == Position(sequence)


async def test_a_membership_outside_a_batch_is_found_at_the_takeover(
    partition: OwnPartition,
) -> None:
    partition.topic_threshold_members = 1
    await route_facts(partition, [*make_joins(*USERS[:3]), make_typed_announcement("one")])
    sequence = await partition.append_event(UserLeft(user_id=USERS[0]))
    fence = await partition.take_over()
    router = await partition.make_router(fence, partition.make_writer(fence))
    await router.route_batch(await partition.read_events(after=fence.position.start_after))
    await router.flush()

    position = (await partition.take_over()).position

    assert position == Position(sequence)


@pytest.mark.parametrize("seed", range(6))
async def test_every_limit_gives_each_user_the_same_notifications_in_the_same_order(
    partition: OwnPartition, seed: int
) -> None:
    chance = random.Random(seed)
    history = [
        (make_random_event(chance, number), chance.choice([None, *USERS])) for number in range(120)
    ]
    personal, mixed_partition, topic_partition = (
        partition,
        await partition.new_partition(),
        await partition.new_partition(),
    )
    mixed_partition.topic_threshold_members, topic_partition.topic_threshold_members = 3, 0
    for fact, actor in history:
        for each_partition in (personal, mixed_partition, topic_partition):
            await each_partition.append_event(fact, actor=actor)

    expected = await route_facts(personal)
    for each_partition in (mixed_partition, topic_partition):
        for _ in range(chance.randrange(4)):
            await route_until_crash(each_partition, chance.randrange(60))

    assert expected.topic_count == 0
    for each_partition in (mixed_partition, topic_partition):
        delivered = await route_facts(each_partition)
        assert delivered.titles == expected.titles
        assert delivered.topic_count > 0


def make_random_event(chance: random.Random, number: int) -> Event:
    """Return a random event of a few users."""
    user, project = chance.choice(USERS), chance.choice("78")
    match chance.choices(
        ("join", "leave", "team", "parts", "role", "tell", "told", "named"),
        (6, 3, 6, 3, 2, 5, 5, 1),
    )[0]:
        case "join":
            return UserJoined(user_id=user)
        case "leave":
            return UserLeft(user_id=user)
        case "team":
            return TeamMemberAdded(
                project_id=project, user_id=user, role=chance.choice([None, "manager"])
            )
        case "parts":
            return TeamMemberRemoved(
                project_id=project, user_id=user, role=chance.choice([None, "manager"])
            )
        case "role":
            return chance.choice([RoleGranted, RoleRevoked])(user_id=user, role="office")
        case "tell":
            to = [
                EVERYONE,
                Addressees(relation="tenant#office"),
                Addressees(relation=f"project:{project}#manager"),
            ]
            return make_typed_announcement(f"number {number}", chance.choice(to))
        case "told":
            return ProjectStatusChanged(
                project_id=project, project_name="-", new_status=f"number {number}"
            )
        case _:
            return make_typed_announcement(
                f"number {number}", Addressees(users=(user,), relation="tenant#office")
            )
