"""The incident product's own front end on Tidings: /api/v1/ws/notifications."""

from __future__ import annotations

from tests.acceptance.frontends import INCIDENTS, open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import Tidings

KEYS = {
    "id",
    "type",
    "priority",
    "title",
    "message",
    "entity_type",
    "entity_id",
    "entity_url",
    "is_read",
    "created_at",
}


async def test_a_responder_is_greeted_and_notified_of_an_incident(tidings: Tidings) -> None:
    async with open_front_end(tidings, INCIDENTS) as page:
        greeting = await page.next("connection:established")

        await tidings.emit(
            make_event(
                "incident.created", incident_id="i-1", number=7, title="Fire", responders=["alice"]
            )
        )
        new = await page.next("notification:new")
        stats = await page.next("stats:updated")

    assert set(greeting) == set(new) == {"event", "data", "timestamp"}
    assert (
        greeting["data"].keys() == {"user_id", "timestamp", "message"}
        and greeting["data"]["user_id"] == "alice"
    )
    assert new["data"].keys() == KEYS
    assert (
        new["data"]
        | {"type": "incident_created", "entity_id": "i-1", "entity_url": "/incidents/i-1"}
        == new["data"]
    )
    priority = new["data"]["priority"]
    assert stats["data"] == {
        "total": 1,
        "unread": 1,
        "read": 0,
        "by_type": {"incident_created": 1},
        "by_priority": {priority: 1},
    }


async def test_reads_and_deletions_on_another_device_show_with_the_counts(tidings: Tidings) -> None:
    elsewhere = await (await tidings.connect("alice")).live()
    async with open_front_end(tidings, INCIDENTS) as page:
        await tidings.emit(*(make_announcement("alice", title=str(number)) for number in range(3)))
        ids = [frame["data"]["id"] for frame in await page.read_until("notification:new", count=3)]
        await elsewhere.until(3)

        await elsewhere.mark("deleted", ids[0])
        deletion = await page.next("notification:deleted")
        await elsewhere.mark("read", up_to=str(elsewhere.cursor))
        read_frames = await page.read_until("notification:read", count=2)
        stats = await page.next("stats:updated")

    assert deletion["data"] == {"id": ids[0]}
    assert [frame["data"]["id"] for frame in read_frames] == ids[1:]
    assert (stats["data"]["total"], stats["data"]["unread"]) == (2, 0)
