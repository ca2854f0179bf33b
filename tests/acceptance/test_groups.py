"""Groups: what accumulates is one notification with its count and latest actors, on every device, until it is read."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.driver import Client, Tidings, event
from tests.streams import stored

WAIT_SECONDS = 20


def joined(*users: str) -> list[dict[str, Any]]:
    return [event("room.member_joined", room_id="9", user_id=user) for user in users]


def posted(user: str, text: str = "-") -> dict[str, Any]:
    return event(
        "message.posted",
        message_id=text,
        room_id="9",
        sender_id=user,
        sender_name=user.title(),
        text=text,
    )


async def told(client: Client, count: int, but: str = "") -> dict[str, Any]:
    """The newest notification in a tab, once it stands for so many and is another than that one."""
    while (
        client.shown[:1] in ([], [but])
        or client.notifications[client.shown[0]].get("count") != count
    ):
        await client.next("entries", "snapshot")
    return client.notifications[client.shown[0]]


async def stated(tidings: Tidings) -> int:
    """How often it is stated that somebody read something."""
    return sum(b"notification.read" in message.data for message in await stored(tidings))


async def closed(tidings: Tidings, count: int) -> None:
    """Wait until it is stated so often that somebody read something."""
    async with asyncio.timeout(WAIT_SECONDS):
        while await stated(tidings) < count:  # noqa: ASYNC110  another process states it
            await asyncio.sleep(0.05)


async def test_three_messages_are_one_notification_with_the_latest_actors_on_every_device(
    tidings: Tidings,
) -> None:
    await tidings.emit(*joined("alice", "bob", "carol", "dave"))
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )

    for each in (posted("bob", "one"), posted("carol", "two"), posted("bob", "three")):
        await tidings.emit(each)

    for device in (desk, phone):
        note = await told(device, 3)
        assert (note["title"], note["message"], note["actors"]) == (
            "3 new messages",
            "Bob: three",
            ["bob", "carol"],
        )
        assert len({entry["id"] for entry in device.entries}) == len(device.shown) == 1
        assert device.counts == {"unread": 1, "unseen": 1, "total": 1}
    (listed,) = await tidings.listing("alice")
    assert (listed["id"], listed["count"]) == (note["id"], 3)
    assert [(each["count"], each["actors"]) for each in await tidings.listing("bob")] == [
        (1, ["carol"])
    ]
    assert await tidings.get("/v1/counts", "dave") == {"unread": 1, "unseen": 1, "total": 1}


async def test_once_it_is_read_the_next_message_opens_another(tidings: Tidings) -> None:
    await tidings.emit(*joined("alice", "bob", "carol"), posted("bob"), posted("bob"))
    alice = await (await tidings.connect("alice")).live()
    first = await told(alice, 2)

    await alice.mark("read", first["id"])
    await closed(tidings, 1)
    await tidings.emit(posted("carol"), posted("bob"))
    second = await told(alice, 2, but=first["id"])

    assert second["actors"] == ["bob", "carol"]
    assert [("read" in each, each["count"]) for each in await tidings.listing("alice")] == [
        (False, 2),
        (True, 2),
    ]
    assert alice.counts == {"unread": 1, "unseen": 1, "total": 2}


async def test_a_message_that_races_with_the_reading_is_unread_in_one_notification_and_the_next_group_is_whole(
    tidings: Tidings,
) -> None:
    await tidings.emit(*joined("alice", "bob"), posted("bob"))
    alice = await (await tidings.connect("alice")).live()
    first = await told(alice, 1)

    await asyncio.gather(tidings.emit(posted("bob", "racing")), alice.mark("read", first["id"]))
    await closed(tidings, 1)
    await tidings.emit(posted("bob", "after"))
    while alice.notifications[alice.shown[0]]["message"] != "Bob: after":
        await alice.next("entries")

    counted = [each["count"] for each in await tidings.listing("alice")]
    assert counted in ([2, 1], [1, 2]), (
        "the racing one is in the next, or unread again in the one that was read"
    )
    assert alice.counts["unread"] == (1 if counted == [2, 1] else 2)
    assert await stated(tidings) == 1


async def test_another_tenants_room_of_the_same_name_is_another_group(tidings: Tidings) -> None:
    async with Tidings(tidings.url, tidings.runtime) as other:
        for each in (tidings, other):
            await each.emit(*joined("alice", "bob"), posted("bob"), posted("bob"))
        alice, theirs = (
            await (await tidings.connect("alice")).live(),
            await (await other.connect("alice")).live(),
        )
        await told(theirs, 2)

        await alice.mark("read", (await told(alice, 2))["id"])
        await closed(tidings, 1)
        await other.emit(posted("bob"))

        assert (await told(theirs, 3))["title"] == "3 new messages"
        assert [each["count"] for each in await tidings.listing("alice")] == [2]
