"""The incidents' front end, written for its own server, on Tidings: /api/v1/ws/notifications."""

from __future__ import annotations

from tests.acceptance.frontends import INCIDENTS, front_end
from tests.driver import Tidings, event, hello_to

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


async def test_a_responder_is_greeted_and_told_of_an_incident(tidings: Tidings) -> None:
    async with front_end(tidings, INCIDENTS) as page:
        greeting = await page.next("connection:established")

        await tidings.emit(
            event(
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
        | {"type": "incident.created", "priority": "high", "entity_id": "i-1", "is_read": False}
        == new["data"]
    )
    assert (stats["data"]["total"], stats["data"]["unread"]) == (1, 1)


async def test_what_is_read_or_deleted_elsewhere_shows_with_the_counts(tidings: Tidings) -> None:
    elsewhere = await (await tidings.connect("alice")).live()
    async with front_end(tidings, INCIDENTS) as page:
        await tidings.emit(*(hello_to("alice", title=str(number)) for number in range(3)))
        ids = [each["data"]["id"] for each in await page.until("notification:new", count=3)]
        await elsewhere.until(3)

        await elsewhere.mark("deleted", ids[0])
        deleted = await page.next("notification:deleted")
        await elsewhere.mark("read", up_to=str(elsewhere.cursor))
        read = await page.until("notification:read", count=2)
        stats = await page.next("stats:updated")

    assert deleted["data"] == {"id": ids[0]}
    assert [each["data"]["id"] for each in read] == ids[1:]
    assert (stats["data"]["total"], stats["data"]["unread"]) == (2, 0)
