"""Groups: repeated events share one notification with count and actors until it is read."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.builders import make_message_posted, make_room_joins
from tests.driver import Client, Tidings
from tests.streams import read_stored_events

WAIT_SECONDS = 20


def make_grouped_message(sender: str, text: str = "-") -> dict[str, Any]:
    """Return a message that accumulates with the others of room 9."""
    return make_message_posted(sender, text, grouped=True)


async def wait_for_group(client: Client, count: int, except_id: str = "") -> dict[str, Any]:
    """Wait until the newest notification has this count and another id; return it."""
    while (
        client.visible_ids[:1] in ([], [except_id])
        or client.notifications[client.visible_ids[0]].get("count") != count
    ):
        await client.next("entries", "snapshot")
    return client.notifications[client.visible_ids[0]]


async def count_reads(tidings: Tidings) -> int:
    """Return how many events state that a notification was read."""
    return sum(
        b"notification.read" in message.data for message in await read_stored_events(tidings)
    )


async def wait_for_reads(tidings: Tidings, count: int) -> None:
    """Wait until that many events state that a notification was read."""
    async with asyncio.timeout(WAIT_SECONDS):
        # Another process states it; nothing signals it.
        while await count_reads(tidings) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_three_messages_are_one_notification_with_the_latest_actors_on_every_device(
    tidings: Tidings,
) -> None:
    await tidings.emit(*make_room_joins("alice", "bob", "carol", "dave"))
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )

    for event in (
        make_grouped_message("bob", "one"),
        make_grouped_message("carol", "two"),
        make_grouped_message("bob", "three"),
    ):
        await tidings.emit(event)

    for device in (desk, phone):
        note = await wait_for_group(device, 3)
        assert (note["title"], note["message"], note["actors"]) == (
            "3 new messages",
            "Bob: three",
            ["bob", "carol"],
        )
        assert len({entry["id"] for entry in device.entries}) == len(device.visible_ids) == 1
        assert device.counts == {"unread": 1, "unseen": 1, "total": 1}
    (in_list,) = await tidings.list_all("alice")
    assert (in_list["id"], in_list["count"]) == (note["id"], 3)
    assert [
        (notification["count"], notification["actors"])
        for notification in await tidings.list_all("bob")
    ] == [(1, ["carol"])]
    assert await tidings.get("/v1/counts", "dave") == {"unread": 1, "unseen": 1, "total": 1}


async def test_the_next_message_after_a_read_opens_a_new_group(tidings: Tidings) -> None:
    await tidings.emit(
        *make_room_joins("alice", "bob", "carol"),
        make_grouped_message("bob"),
        make_grouped_message("bob"),
    )
    alice = await (await tidings.connect("alice")).live()
    first = await wait_for_group(alice, 2)

    await alice.mark("read", first["id"])
    await wait_for_reads(tidings, 1)
    await tidings.emit(make_grouped_message("carol"), make_grouped_message("bob"))
    second = await wait_for_group(alice, 2, except_id=first["id"])

    assert second["actors"] == ["bob", "carol"]
    assert [
        ("read" in notification, notification["count"])
        for notification in await tidings.list_all("alice")
    ] == [
        (False, 2),
        (True, 2),
    ]
    assert alice.counts == {"unread": 1, "unseen": 1, "total": 2}


async def test_a_message_that_races_with_a_read_is_unread_and_the_next_group_is_complete(
    tidings: Tidings,
) -> None:
    await tidings.emit(*make_room_joins("alice", "bob"), make_grouped_message("bob"))
    alice = await (await tidings.connect("alice")).live()
    first = await wait_for_group(alice, 1)

    await asyncio.gather(
        tidings.emit(make_grouped_message("bob", "racing")), alice.mark("read", first["id"])
    )
    await wait_for_reads(tidings, 1)
    await tidings.emit(make_grouped_message("bob", "after"))
    while alice.notifications[alice.visible_ids[0]]["message"] != "Bob: after":
        await alice.next("entries")

    group_counts = [notification["count"] for notification in await tidings.list_all("alice")]
    assert group_counts in ([2, 1], [1, 2]), (
        "the racing message belongs to neither the first nor the next group"
    )
    assert alice.counts["unread"] == (1 if group_counts == [2, 1] else 2)
    assert await count_reads(tidings) == 1


async def test_rooms_of_the_same_name_in_two_tenants_are_two_groups(tidings: Tidings) -> None:
    async with Tidings(tidings.url, tidings.runtime) as other_tenant:
        for notification in (tidings, other_tenant):
            await notification.emit(
                *make_room_joins("alice", "bob"),
                make_grouped_message("bob"),
                make_grouped_message("bob"),
            )
        alice, alice_of_other = (
            await (await tidings.connect("alice")).live(),
            await (await other_tenant.connect("alice")).live(),
        )
        await wait_for_group(alice_of_other, 2)

        await alice.mark("read", (await wait_for_group(alice, 2))["id"])
        await wait_for_reads(tidings, 1)
        await other_tenant.emit(make_grouped_message("bob"))

        assert (await wait_for_group(alice_of_other, 3))["title"] == "3 new messages"
        assert [notification["count"] for notification in await tidings.list_all("alice")] == [2]
