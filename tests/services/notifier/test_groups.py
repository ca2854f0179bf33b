"""Groups: however the log is cut into batches, and whoever routes them, each is told what one run would have told them."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import pytest
from tidings.contracts import events
from tidings.contracts.events import NotificationRead
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Notification
from tidings.notifier.route import react, told_of
from tidings.notifier.rules import RULES
from tidings.projections.groups import belongs

from tests.services.notifier.facts import fact
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.table import TABLE

USERS = ("ann", "ben", "cas", "dov")


class Group(NamedTuple):
    """How a notification of a group stood when somebody was told it."""

    user: str
    first: int
    count: int
    actors: tuple[str, ...]


class Simple:
    """The simplest telling of it: each event by itself, all of it in memory; a group is named by the place of its first event."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.open: dict[str, Group] = {}
        self.told: list[Group] = []

    def take(self, place: int, event: Event) -> None:
        match event:
            case events.RoomMemberJoined(user_id=user):
                if user not in self.members:
                    self.open.pop(user, None)
                self.members.add(user)
            case events.RoomMemberLeft(user_id=user):
                self.members.discard(user)
            case NotificationRead(user_id=user, group=str()):
                self.open.pop(user, None)
            case events.MessagePosted(sender_id=actor):
                for user in sorted(self.members - {actor}):
                    _, first, count, actors = self.open.get(user, Group(user, place, 0, ()))
                    self.open[user] = Group(
                        user,
                        first,
                        count + 1,
                        (actor, *(each for each in actors if each != actor))[:3],
                    )
                    self.told.append(self.open[user])
            case _:
                pass


def happening(chance: random.Random) -> Event:
    user = chance.choice(USERS)
    match chance.choice(("post", "post", "post", "read", "read", "join", "leave")):
        case "post":
            return events.MessagePosted(
                message_id="1", room_id="9", sender_id=user, sender_name=user, text="-"
            )
        case "read":
            identifier = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
            return NotificationRead(
                notification_id=identifier, user_id=user, title="-", group="room:9"
            )
        case "join":
            return events.RoomMemberJoined(room_id="9", user_id=user)
        case _:
            return events.RoomMemberLeft(room_id="9", user_id=user)


def named(told: list[Notification]) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
    """Each with the number of its id among the ids of its user."""
    numbers: dict[str, dict[Any, int]] = {}
    return [
        (each.user, place(numbers, each.user, each.id), each.count, each.actors) for each in told
    ]


def expected(simple: Simple) -> list[tuple[str, int, int | None, tuple[str, ...]]]:
    numbers: dict[str, dict[Any, int]] = {}
    return [
        (each.user, place(numbers, each.user, each.first), each.count, each.actors)
        for each in simple.told
    ]


def place(numbers: dict[str, dict[Any, int]], user: str, name: Any) -> int:
    """Which of a user's this is, in the order in which they first appear."""
    return numbers.setdefault(user, {}).setdefault(name, len(numbers[user]))


@pytest.mark.parametrize("seed", range(3))
async def test_each_is_told_what_one_event_after_the_other_would_tell(
    partition: OwnPartition, seed: int
) -> None:
    chance, simple = random.Random(seed), Simple()
    for user in USERS[:3]:
        joined = events.RoomMemberJoined(room_id="9", user_id=user)
        simple.take(await partition.happened(joined), joined)
    for number in range(70):
        happened = happening(chance)
        place = await partition.happened(happened, identifier=f"event {number}")
        simple.take(place, happened)
        if chance.random() < 0.2:
            await partition.happened(happened, identifier=f"event {number}")
        if chance.random() < 0.15:
            await partition.routed()

    await partition.routed()

    assert named(await partition.told()) == expected(simple)
    assert len(simple.told) > 20 and max(each.count for each in simple.told) > 2


async def test_a_takeover_that_routes_again_what_was_folded_before_tells_it_as_of_each_event(
    partition: OwnPartition,
) -> None:
    fence = await partition.taken_over()
    for user in USERS:
        await partition.happened(events.RoomMemberJoined(room_id="9", user_id=user))
    read = NotificationRead(
        notification_id="9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10",
        user_id="ben",
        title="-",
        group="room:9",
    )
    for happened in (posted("ann"), posted("cas"), read, posted("ann"), read, posted("dov")):
        await partition.happened(happened)
    dying = await partition.router(fence, partition.writer(fence))
    await dying.route(await partition.events())
    await dying.stop()

    await partition.routed()

    of_ben = [(each.count, each.actors) for each in await partition.told() if each.user == "ben"]
    assert of_ben == [(1, ("ann",)), (2, ("cas", "ann")), (1, ("ann",)), (1, ("dov",))]
    assert len({each.id for each in await partition.told() if each.user == "ben"}) == 3


def posted(user: str) -> events.MessagePosted:
    return events.MessagePosted(
        message_id="1", room_id="9", sender_id=user, sender_name=user, text="-"
    )


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_what_accumulates_says_the_group_and_actor_that_the_fold_knows(row: object) -> None:
    recorded = fact(row.event)  # type: ignore[attr-defined]

    for _, tell in told_of(react(recorded, RULES)):
        found = belongs(recorded)
        assert not tell.accumulates or (
            found and len(tell.to) == 1 and (found.group, found.actor) == (tell.group, tell.actor)
        )
