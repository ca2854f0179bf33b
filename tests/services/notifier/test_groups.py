"""Groups: batches and takeovers give the same groups as routing one event after the other."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import pytest
from tidings.contracts.event import Event
from tidings.contracts.notifications import Notification
from tidings.domains import RULES
from tidings.domains.chat.events import MessagePosted, RoomMemberJoined, RoomMemberLeft
from tidings.domains.notifications.events import NotificationRead
from tidings.notifier.partition.routing import notifications_in, react
from tidings.projections.audience.groups import group_of

from tests.services.notifier.facts import recorded_event
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.table import TABLE

USERS = ("ann", "ben", "cas", "dov")


class ExpectedGroup(NamedTuple):
    """A group as a user is notified of it."""

    user: str
    first: int
    count: int
    actors: tuple[str, ...]


class SimpleNotifier:
    """The simplest notifier: it routes one event at a time, in memory.

    A group is identified by the place of its first event.
    """

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.open_groups: dict[str, ExpectedGroup] = {}
        self.notified_groups: list[ExpectedGroup] = []

    def apply_event(self, place: int, event: Event) -> None:
        match event:
            case RoomMemberJoined(user_id=user):
                if user not in self.members:
                    self.open_groups.pop(user, None)
                self.members.add(user)
            case RoomMemberLeft(user_id=user):
                self.members.discard(user)
            case NotificationRead(user_id=user, group=str()):
                self.open_groups.pop(user, None)
            case MessagePosted(sender_id=actor):
                for user in sorted(self.members - {actor}):
                    _, first, count, actors = self.open_groups.get(
                        user, ExpectedGroup(user, place, 0, ())
                    )
                    self.open_groups[user] = ExpectedGroup(
                        user,
                        first,
                        count + 1,
                        (
                            actor,
                            *(notification for notification in actors if notification != actor),
                        )[:3],
                    )
                    self.notified_groups.append(self.open_groups[user])
            case _:
                pass


def make_random_event(chance: random.Random) -> Event:
    user = chance.choice(USERS)
    match chance.choice(("post", "post", "post", "read", "read", "join", "leave")):
        case "post":
            return MessagePosted(
                message_id="1",
                room_id="9",
                sender_id=user,
                sender_name=user,
                text="-",
                grouped=True,
            )
        case "read":
            identifier = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
            return NotificationRead(
                notification_id=identifier, user_id=user, title="-", group="room:9"
            )
        case "join":
            return RoomMemberJoined(room_id="9", user_id=user)
        case _:
            return RoomMemberLeft(room_id="9", user_id=user)


def describe_notifications(
    notifications: list[Notification],
) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
    """Return each notification with the number of its id among those of its user."""
    numbers: dict[str, dict[Any, int]] = {}
    return [
        (
            notification.user,
            place_of(numbers, notification.user, notification.id),
            notification.count,
            notification.actors,
        )
        for notification in notifications
    ]


def expect_notifications(
    simple: SimpleNotifier,
) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
    numbers: dict[str, dict[Any, int]] = {}
    return [
        (group.user, place_of(numbers, group.user, group.first), group.count, group.actors)
        for group in simple.notified_groups
    ]


def place_of(numbers: dict[str, dict[Any, int]], user: str, identifier: Any) -> int:
    """Return the number of an id among those of a user, in order of first appearance."""
    return numbers.setdefault(user, {}).setdefault(identifier, len(numbers[user]))


@pytest.mark.parametrize("seed", range(3))
async def test_groups_are_those_of_one_event_after_the_other(
    partition: OwnPartition, seed: int
) -> None:
    chance, simple = random.Random(seed), SimpleNotifier()
    for user in USERS[:3]:
        join = RoomMemberJoined(room_id="9", user_id=user)
        simple.apply_event(await partition.append_event(join), join)
    for number in range(70):
        event = make_random_event(chance)
        place = await partition.append_event(event, identifier=f"event {number}")
        simple.apply_event(place, event)
        if chance.random() < 0.2:
            await partition.append_event(event, identifier=f"event {number}")
        if chance.random() < 0.15:
            await partition.route_all()

    await partition.route_all()

    assert describe_notifications(await partition.notifications()) == expect_notifications(simple)
    assert (
        len(simple.notified_groups) > 20
        and max(group.count for group in simple.notified_groups) > 2
    )


async def test_a_takeover_routes_events_again_with_the_groups_as_of_each_event(
    partition: OwnPartition,
) -> None:
    fence = await partition.take_over()
    for user in USERS:
        await partition.append_event(RoomMemberJoined(room_id="9", user_id=user))
    read_event = NotificationRead(
        notification_id="9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10",
        user_id="ben",
        title="-",
        group="room:9",
    )
    for event in (
        make_message("ann"),
        make_message("cas"),
        read_event,
        make_message("ann"),
        read_event,
        make_message("dov"),
    ):
        await partition.append_event(event)
    dying_router = await partition.make_router(fence, partition.make_writer(fence))
    await dying_router.route_batch(await partition.read_events())
    await dying_router.stop()

    await partition.route_all()

    groups_of_ben = [
        (other_actor.count, other_actor.actors)
        for other_actor in await partition.notifications()
        if other_actor.user == "ben"
    ]
    assert groups_of_ben == [(1, ("ann",)), (2, ("cas", "ann")), (1, ("ann",)), (1, ("dov",))]
    assert (
        len(
            {
                other_actor.id
                for other_actor in await partition.notifications()
                if other_actor.user == "ben"
            }
        )
        == 3
    )


def make_message(user: str) -> MessagePosted:
    return MessagePosted(
        message_id="1", room_id="9", sender_id=user, sender_name=user, text="-", grouped=True
    )


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.recipients}")
def test_an_accumulating_notification_has_the_group_and_actor_of_its_event(row: object) -> None:
    event = recorded_event(row.event)  # type: ignore[attr-defined]

    for tell in notifications_in(react(event, RULES)):
        group = group_of(event)
        assert not tell.accumulates or (
            group and len(tell.to) == 1 and (group.group, group.actor) == (tell.group, tell.actor)
        )
