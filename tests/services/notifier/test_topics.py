"""Topics: an announcement to very many is written once, and each of them hears exactly what they would have been told alone."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from tidings.contracts import events
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.contracts.subjects import NOTIFICATIONS, Person, topics_of
from tidings.notifier.position import Position
from tidings.notifier.writer import OUTPUTS_PER_BATCH
from tidings.projections.standing import Inbox
from tidings.runtime.read import subjects

from tests.heard import Heard, log_of
from tests.projections.test_standing import taken
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.test_crashes import Crash, DyingWriter

NEVER = 1_000_000
USERS = [f"u-{number:02}" for number in range(9)]
GONE = "Task deleted"
CROWD = [f"u-{number:04}" for number in range(2100)]
EVERYBODY = Addressees(everyone=True)


@pytest.fixture
async def partition(partition: OwnPartition) -> OwnPartition:
    """A partition that was routed before: only what comes from now on has to be looked through."""
    return await partition.begun()


def announcement(title: str, to: Addressees = EVERYBODY) -> Event:
    return events.AnnouncementPublished(title=title, message="-", to=to)


def joined(*users: str) -> list[Event]:
    return [events.UserJoined(user_id=user) for user in users]


async def routed(
    partition: OwnPartition, facts: Sequence[Event] = (), *, actor: str | None = None
) -> Heard:
    """Append facts and route all that is not routed yet, by a process of its own; who heard what then."""
    for fact in facts:
        await partition.happened(fact, actor=actor)
    await lived(partition, NEVER)
    return await heard(partition)


async def lived(partition: OwnPartition, outputs: int) -> None:
    """Route what is not routed yet, by a process that dies after so many outputs."""
    fence = await partition.taken_over()
    writer = partition.writer(fence, DyingWriter)
    assert isinstance(writer, DyingWriter)
    writer.dies_after = outputs
    router = await partition.router(fence, writer)
    after = fence.at.after
    try:
        while batch := await partition.events(after=after):
            await router.route(batch)
            after = batch[-1].sequence
        await router.written()
        await router.park()
    except Crash:
        await writer.settled()


async def heard(partition: OwnPartition) -> Heard:
    return Heard().take(
        await log_of(partition.runtime.jetstream, partition.tenant, partition.since)
    )


async def topics_in(partition: OwnPartition) -> list[str]:
    return await subjects(partition.runtime.jetstream, NOTIFICATIONS, topics_of(partition.number))


async def test_an_announcement_to_more_than_the_limit_is_written_once_for_all(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 2
    await routed(partition, [*joined(*USERS[:2]), announcement("to two"), *joined(USERS[2])])

    first = await routed(partition, [announcement("to three")])
    second = await routed(partition, [announcement("again")])

    assert (first.alone, first.memberships, first.shared) == (2, 3, 1)
    assert (second.alone, second.memberships, second.shared) == (2, 3, 2)
    assert second.titles == {
        USERS[0]: ["to two", "to three", "again"],
        USERS[1]: ["to two", "to three", "again"],
        USERS[2]: ["to three", "again"],
    }


async def test_who_comes_later_hears_what_comes_later_and_who_left_hears_nothing_more(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    left, back, late = USERS[:3]
    history = [
        *joined(left, back),
        announcement("one"),
        events.UserLeft(user_id=left),
        *joined(late),
        announcement("two"),
        events.UserLeft(user_id=back),
        announcement("three"),
        *joined(back),
        announcement("four"),
    ]

    found = await routed(partition, history)

    assert found.titles == {
        left: ["one"],
        back: ["one", "two", "four"],
        late: ["two", "three", "four"],
    }
    assert found.shared == 4


async def test_whoever_did_it_is_left_out_of_what_all_others_hear(partition: OwnPartition) -> None:
    partition.topic_recipients = 1
    team: list[Event] = [events.TeamMemberAdded(project_id="7", user_id=user) for user in USERS[:3]]
    changed = events.ProjectStatusChanged(
        project_id="7", project_name="Garden", new_status="active"
    )
    await routed(partition, [*team, changed])

    found = await routed(partition, [changed], actor=USERS[1])

    assert found.shared == 2
    assert [found.titles[user].count("Project status changed") for user in USERS[:3]] == [2, 1, 2]


async def test_who_was_on_what_is_deleted_hears_of_that_and_nothing_more_of_it(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    assigned: list[Event] = [
        events.TaskAssigned(task_id="7", task_title="-", user_id=user, assigned_by=user)
        for user in USERS[:3]
    ]
    to = Addressees(relation="task:7#assignee")
    await routed(partition, [*assigned, announcement("one", to)])
    history = [
        events.TaskDeleted(task_id="7"),
        announcement("two", to),
        assigned[0],
        announcement("three", to),
    ]

    found = await routed(partition, history)

    assert found.titles == {
        USERS[0]: ["one", GONE, "three"],
        USERS[1]: ["one", GONE],
        USERS[2]: ["one", GONE],
    }
    assert found.shared == 3


async def test_what_a_topic_told_is_taken_back_from_each_who_is_meant_and_from_nobody_else(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    office: list[Event] = [events.RoleGranted(user_id=user, role="office") for user in USERS[:3]]
    alarm = events.WorkOrderUpdated(work_order_id="7", status="open", alert_office=True)
    gone: list[Event] = [
        events.RoleRevoked(user_id=USERS[2], role="office"),
        events.WorkOrderDeleted(work_order_id="7"),
    ]
    told = await routed(partition, [*office, alarm])

    await routed(partition, gone)

    log = await log_of(partition.runtime.jetstream, partition.tenant, partition.since)
    inboxes = [
        taken(Inbox(100, 86_400.0), Person(partition.tenant, user), log).listed(time.time())
        for user in USERS[:3]
    ]
    assert told.shared == 1
    assert [[each.about.type for each in listed] for listed in inboxes[:2]] == [
        ["work_order.deleted"]
    ] * 2
    assert [each.about.type for each in inboxes[2]] == ["work_order.updated"] * 2


async def test_who_is_named_beside_a_relation_is_told_once(partition: OwnPartition) -> None:
    partition.topic_recipients = 1
    await routed(partition, [*joined(*USERS[:3]), announcement("shared")])

    found = await routed(
        partition, [announcement("mixed", Addressees(users=(USERS[0], USERS[5]), everyone=True))]
    )

    assert found.titles == {
        **{user: ["shared", "mixed"] for user in USERS[:3]},
        USERS[5]: ["mixed"],
    }
    assert (found.shared, found.alone) == (1, 4)


async def test_a_topic_stays_one_however_few_are_left_and_whatever_the_limit_is(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    await routed(
        partition, [*joined(*USERS[:2]), announcement("one"), events.UserLeft(user_id=USERS[0])]
    )
    partition.topic_recipients = NEVER

    found = await routed(partition, [announcement("two")])

    assert found.shared == 2
    assert found.titles == {USERS[0]: ["one"], USERS[1]: ["one", "two"]}


async def test_an_event_that_comes_again_makes_nobody_join_or_hear_twice(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    for _ in range(2):
        await partition.happened(announcement("before"), "before")
        for user in USERS[:3]:
            await partition.happened(events.UserJoined(user_id=user), user)
        await partition.happened(announcement("after"), "after")

    found = await routed(partition)

    assert found.titles == {user: ["after"] for user in USERS[:3]}
    assert (found.memberships, found.shared) == (3, 1)


async def test_relations_that_could_be_read_as_one_another_or_take_too_much_of_a_subject_are_told_one_by_one(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 0
    odd = events.TeamMemberAdded(project_id="a#b", user_id=USERS[0])
    long = events.TeamMemberAdded(project_id="é" * 100, user_id=USERS[0])
    told = [
        events.ProjectStatusChanged(project_id=name, project_name="-", new_status="-")
        for name in ("a#b", "é" * 100)
    ]

    found = await routed(partition, [odd, long, *told])

    assert await topics_in(partition) == []
    assert found.titles[USERS[0]].count("Project status changed") == 2


@pytest.mark.parametrize("limit", [0, NEVER])
@pytest.mark.parametrize("deaths", [(0,), (2000,), (2101,), (2050, 700)], ids=str)
async def test_a_relation_becomes_a_topic_once_though_the_notifier_dies_meanwhile_and_the_limit_changes(
    partition: OwnPartition, deaths: tuple[int, ...], limit: int
) -> None:
    await partition.joined(CROWD)
    await lived(partition, NEVER)
    partition.topic_recipients = 1000
    await partition.happened(announcement("one"))
    for after in deaths:
        await lived(partition, after)
        partition.topic_recipients = limit

    found = await routed(partition, [announcement("two")])

    assert found.titles == {user: ["one", "two"] for user in CROWD}
    assert len(await topics_in(partition)) == (found.shared > 0)
    assert (found.shared, found.alone) in (
        {(2, 0)} if limit <= 1000 else {(2, 0), (0, 2 * len(CROWD))}
    )


@pytest.mark.parametrize("dies_after", [400, 2050])
async def test_what_began_as_one_message_each_ends_so_though_the_limit_is_lower_by_then(
    partition: OwnPartition, dies_after: int
) -> None:
    partition.topic_recipients = NEVER
    await partition.joined(CROWD)
    await lived(partition, NEVER)
    sequence = await partition.happened(announcement("one"))
    await lived(partition, dies_after)
    before = await heard(partition)
    partition.topic_recipients = 0

    found = await routed(partition)

    assert found.titles == {user: ["one"] for user in CROWD}
    assert (before.alone > 0) == (dies_after > 2 * OUTPUTS_PER_BATCH)
    assert (found.alone, found.shared) == ((len(CROWD), 0) if before.alone else (0, 1))
    assert (await partition.taken_over()).at == Position(sequence)


async def test_a_membership_written_plainly_is_found_by_whoever_takes_over(
    partition: OwnPartition,
) -> None:
    partition.topic_recipients = 1
    await routed(partition, [*joined(*USERS[:3]), announcement("one")])
    sequence = await partition.happened(events.UserLeft(user_id=USERS[0]))
    fence = await partition.taken_over()
    router = await partition.router(fence, partition.writer(fence))
    await router.route(await partition.events(after=fence.at.after))
    await router.written()

    found = (await partition.taken_over()).at

    assert found == Position(sequence)


@pytest.mark.parametrize("seed", range(6))
async def test_everybody_hears_the_same_in_the_same_order_whatever_the_limit_is(
    partition: OwnPartition, seed: int
) -> None:
    chance = random.Random(seed)
    history = [(happening(chance, number), chance.choice([None, *USERS])) for number in range(120)]
    alone, mixed, shared = partition, await partition.another(), await partition.another()
    mixed.topic_recipients, shared.topic_recipients = 3, 0
    for fact, actor in history:
        for one in (alone, mixed, shared):
            await one.happened(fact, actor=actor)

    by_one = await routed(alone)
    for one in (mixed, shared):
        for _ in range(chance.randrange(4)):
            await lived(one, chance.randrange(60))

    assert by_one.shared == 0
    for one in (mixed, shared):
        found = await routed(one)
        assert found.titles == by_one.titles
        assert found.shared > 0


def happening(chance: random.Random, number: int) -> Event:
    """Something that may happen to a few people."""
    user, project = chance.choice(USERS), chance.choice("78")
    match chance.choices(
        ("join", "leave", "team", "parts", "role", "tell", "told", "named"),
        (6, 3, 6, 3, 2, 5, 5, 1),
    )[0]:
        case "join":
            return events.UserJoined(user_id=user)
        case "leave":
            return events.UserLeft(user_id=user)
        case "team":
            return events.TeamMemberAdded(
                project_id=project, user_id=user, role=chance.choice([None, "manager"])
            )
        case "parts":
            return events.TeamMemberRemoved(
                project_id=project, user_id=user, role=chance.choice([None, "manager"])
            )
        case "role":
            return chance.choice([events.RoleGranted, events.RoleRevoked])(
                user_id=user, role="office"
            )
        case "tell":
            to = [
                EVERYBODY,
                Addressees(relation="tenant#office"),
                Addressees(relation=f"project:{project}#manager"),
            ]
            return announcement(f"number {number}", chance.choice(to))
        case "told":
            return events.ProjectStatusChanged(
                project_id=project, project_name="-", new_status=f"number {number}"
            )
        case _:
            return announcement(
                f"number {number}", Addressees(users=(user,), relation="tenant#office")
            )
