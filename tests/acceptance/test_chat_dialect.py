"""The chat's front end, written for its own server, on Tidings: /ws/notifications."""

from __future__ import annotations

from uuid import uuid4

from tests.acceptance.frontends import CHAT, FrontEnd, front_end
from tests.driver import Tidings, event

KEYS = {
    "notification_id",
    "title",
    "message",
    "notification_type",
    "timestamp",
    "room_id",
    "sender_id",
}


async def post(tidings: Tidings, text: str) -> None:
    """Bob writes in the room where Alice is, too."""
    await tidings.emit(
        *(
            event(
                "room.member_joined",
                identifier=f"{tidings.tenant}-{user}",
                room_id="9",
                user_id=user,
            )
            for user in ("alice", "bob")
        ),
        event(
            "message.posted",
            message_id=uuid4().hex,
            room_id="9",
            sender_id="bob",
            sender_name="Bob",
            text=text,
        ),
    )


async def count(page: FrontEnd) -> int:
    """How many it is told are unread when it asks."""
    await page.send({"type": "get_unread_count"})
    return (await page.next("unread_count"))["data"]["count"]


async def test_a_message_is_brought_counted_and_read_on_every_device(tidings: Tidings) -> None:
    async with front_end(tidings, CHAT) as desk, front_end(tidings, CHAT) as phone:
        await post(tidings, "Lunch?")
        note = (await desk.next("notification"))["data"]
        before = await count(desk)

        await phone.send(
            {
                "type": "mark_read",
                "notification_id": (await phone.next("notification"))["data"]["notification_id"],
            }
        )
        told = [await page.next("notification_update") for page in (desk, phone)]

        assert note.keys() == KEYS
        assert (note["room_id"], note["sender_id"], note["notification_type"]) == (
            "9",
            "bob",
            "message.posted",
        )
        assert (
            told
            == [
                {
                    "type": "notification_update",
                    "data": {"notification_id": note["notification_id"], "status": "read"},
                }
            ]
            * 2
        )
        assert (before, await count(desk)) == (1, 0)


async def test_what_is_not_theirs_cannot_be_marked(tidings: Tidings) -> None:
    async with front_end(tidings, CHAT) as page:
        await page.send({"type": "mark_read", "notification_id": str(uuid4())})

        assert (await page.next("error"))["data"] == {
            "message": "bad frame: you have no such notification"
        }
