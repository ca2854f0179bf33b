"""The chat's own front end on Tidings: /ws/notifications."""

from __future__ import annotations

from uuid import uuid4

from tests.acceptance.frontends import CHAT, FrontEnd, open_front_end
from tests.builders import make_message_posted, make_room_joins
from tests.driver import Tidings

KEYS = {
    "notification_id",
    "title",
    "message",
    "notification_type",
    "timestamp",
    "room_id",
    "sender_id",
}


async def post_message(tidings: Tidings, text: str) -> None:
    """Post a message of Bob in a room of which Alice is a member."""
    await tidings.emit(
        *make_room_joins("alice", "bob", key=tidings.tenant), make_message_posted("bob", text)
    )


async def read_unread_count(page: FrontEnd) -> int:
    """Ask for the number of unread notifications, and return it."""
    await page.send({"type": "get_unread_count"})
    return (await page.next("unread_count"))["data"]["count"]


async def test_a_message_is_delivered_counted_and_marked_read_on_every_device(
    tidings: Tidings,
) -> None:
    async with open_front_end(tidings, CHAT) as desk, open_front_end(tidings, CHAT) as phone:
        await post_message(tidings, "Lunch?")
        note = (await desk.next("notification"))["data"]
        before = await read_unread_count(desk)

        await phone.send(
            {
                "type": "mark_read",
                "notification_id": (await phone.next("notification"))["data"]["notification_id"],
            }
        )
        updates = [await page.next("notification_update") for page in (desk, phone)]

        assert note.keys() == KEYS
        assert (note["room_id"], note["sender_id"], note["notification_type"]) == (
            "9",
            "bob",
            "new_message",
        )
        assert (
            updates
            == [
                {
                    "type": "notification_update",
                    "data": {"notification_id": note["notification_id"], "status": "read"},
                }
            ]
            * 2
        )
        assert (before, await read_unread_count(desk)) == (1, 0)


async def test_a_notification_of_another_user_cannot_be_marked(tidings: Tidings) -> None:
    async with open_front_end(tidings, CHAT) as page:
        await page.send({"type": "mark_read", "notification_id": str(uuid4())})

        assert (await page.next("error"))["data"] == {
            "message": "bad frame: you have no such notification"
        }
