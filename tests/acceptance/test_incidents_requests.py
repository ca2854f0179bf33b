"""The requests of the incidents' pages, under /api/v1/notifications."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.acceptance.frontends import INCIDENTS, open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import Tidings

BASE = "/api/v1/notifications"
ITEM_KEYS = {
    "id",
    "user_id",
    "notification_type",
    "priority",
    "title",
    "message",
    "entity_type",
    "entity_id",
    "entity_url",
    "data",
    "is_read",
    "read_at",
    "is_archived",
    "channels_sent",
    "created_at",
    "expires_at",
}
MISSING = "00000000-0000-4000-8000-000000000000"


async def request(tidings: Tidings, method: str, path: str = "", **more: Any) -> httpx.Response:
    """Send a request as Alice, whose token states the product."""
    tidings.dialect = "incidents"
    headers = tidings.headers("alice")
    return await tidings.http.request(method, f"{BASE}{path}", headers=headers, **more)


async def list_page(tidings: Tidings, **query: Any) -> dict[str, Any]:
    """Return a page of Alice's list."""
    response = await request(tidings, "GET", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def titles_of(page: dict[str, Any]) -> list[str]:
    """Return the titles of a page."""
    return [item["title"] for item in page["items"]]


async def announce_titles(tidings: Tidings, *titles: str, **more: Any) -> list[str]:
    """Announce these titles to Alice and return the ids of her notifications, oldest first."""
    before = await tidings.wait_for_counts("alice")
    await tidings.emit(*(make_announcement("alice", title=title, **more) for title in titles))
    await tidings.wait_for_counts("alice", total=before["total"] + len(titles))
    listed = {each["title"]: each["id"] for each in await tidings.list_all("alice")}
    return [listed[title] for title in titles]


async def test_an_item_has_exactly_the_fields_of_the_product(tidings: Tidings) -> None:
    await tidings.emit(
        make_event(
            "incident.created",
            incident_id="i 1",
            number="INC-1",
            title="Fire",
            severity="critical",
            responders=["alice"],
        )
    )
    await tidings.wait_for_counts("alice", total=1)

    page = await list_page(tidings)
    [item] = page["items"]
    single = (await request(tidings, "GET", f"/{item['id']}")).json()

    assert page | {"total": 1, "page": 1, "size": 50, "pages": 1} == page
    assert item.keys() == ITEM_KEYS and single == item
    expected = {
        "user_id": "alice",
        "notification_type": "incident_created",
        "priority": "critical",
        "title": "New Incident Created",
        "message": "Incident INC-1 has been created",
        "entity_type": "incident",
        "entity_id": "i 1",
        "entity_url": "/incidents/i%201",
        "is_read": False,
        "read_at": None,
        "is_archived": False,
        "channels_sent": ["in_app"],
        "expires_at": None,
    }
    assert item | expected == item
    assert item["data"]["number"] == "INC-1"


async def test_pages_and_totals_are_exact_under_every_filter(tidings: Tidings) -> None:
    first, second, _, _, fifth = await announce_titles(tidings, *"abcde")
    await announce_titles(tidings, "f", priority="high")
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Paint", user_id="alice")
    )
    await tidings.wait_for_counts("alice", total=7)
    await request(tidings, "POST", "/mark-read", json={"notification_ids": [first, fifth]})
    await request(tidings, "POST", f"/{second}/archive")
    kind = "announcement_published"

    everything = await list_page(tidings, notification_type=kind)
    unread = await list_page(tidings, notification_type=kind, unread_only=True)
    last = await list_page(tidings, notification_type=kind, page=3, size=2)
    archived = await list_page(tidings, notification_type=kind, include_archived=True, size=1000)
    medium = await list_page(tidings, priority="medium", notification_type=kind)
    high = await list_page(tidings, priority="high")
    beyond = await list_page(tidings, page=9)
    nothing = await list_page(tidings, notification_type="none_of_these")

    assert titles_of(everything) == ["f", "e", "d", "c", "a"] and everything["total"] == 5
    assert titles_of(unread) == ["f", "d", "c"] and unread["total"] == 3
    assert titles_of(last) == ["a"]
    assert (last["total"], last["page"], last["size"], last["pages"]) == (5, 3, 2, 3)
    assert titles_of(archived) == [*"fedcba"] and (archived["size"], archived["total"]) == (100, 6)
    assert titles_of(medium) == ["e", "d", "c", "a"] and medium["total"] == 4
    assert "f" in titles_of(high) and {item["priority"] for item in high["items"]} == {"high"}
    assert (beyond["items"], beyond["total"], beyond["pages"]) == ([], 6, 1)
    assert (nothing["items"], nothing["total"], nothing["pages"]) == ([], 0, 0)


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=0", "unread_only=perhaps"])
async def test_a_wrong_parameter_is_named(tidings: Tidings, query: str) -> None:
    answer = await request(tidings, "GET", f"?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_the_statistics_count_by_type_and_priority(tidings: Tidings) -> None:
    first, _ = await announce_titles(tidings, "a", "b")
    await announce_titles(tidings, "c", priority="critical")
    await request(tidings, "POST", "/mark-read", json={"notification_ids": [first]})

    stats = (await request(tidings, "GET", "/stats")).json()

    assert stats == {
        "total": 3,
        "unread": 2,
        "read": 1,
        "by_type": {"announcement_published": 3},
        "by_priority": {"medium": 2, "critical": 1},
    }


async def test_marking_counts_what_changed_and_ignores_what_is_not_there(
    tidings: Tidings,
) -> None:
    first, second, third = await announce_titles(tidings, *"abc")

    async def mark(body: Any) -> Any:
        return (await request(tidings, "POST", "/mark-read", json=body)).json()

    assert await mark({"notification_ids": [first, first, MISSING]}) == {"marked_count": 1}
    assert await mark({"notification_ids": [first, second]}) == {"marked_count": 1}
    assert await mark({"notification_ids": []}) == {"marked_count": 0}
    assert await mark({"mark_all": True}) == {"marked_count": 1}
    assert await mark({"mark_all": True}) == {"marked_count": 0}
    assert (await mark({}))["status"] == 400
    item = (await request(tidings, "GET", f"/{third}")).json()
    assert item["is_read"] and item["read_at"]


async def test_archiving_and_deleting_show_in_lists_and_in_every_tab(tidings: Tidings) -> None:
    first, second = await announce_titles(tidings, *"ab")
    async with (
        open_front_end(tidings, INCIDENTS) as page,
        open_front_end(tidings, INCIDENTS) as other,
    ):
        archived = (await request(tidings, "POST", f"/{first}/archive")).json()
        deleted = (await request(tidings, "DELETE", f"/{second}")).json()
        for tab in (page, other):
            gone = await tab.read_until("notification:deleted", count=2)
            assert [each["data"]["id"] for each in gone] == [first, second]

    assert archived.keys() == ITEM_KEYS and archived["is_archived"]
    assert deleted == {"message": "Notification deleted"}
    assert (await list_page(tidings))["items"] == []
    assert titles_of(await list_page(tidings, include_archived=True)) == ["a"]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/archive")):
        for identifier in (second, MISSING):
            answer = await request(tidings, method, f"/{identifier}{path}")
            assert (answer.status_code, answer.json()["detail"]) == (404, "Notification not found")


async def test_a_notification_can_be_sent_by_hand(tidings: Tidings) -> None:
    body = {
        "user_ids": ["alice", "bob"],
        "notification_type": "maintenance",
        "title": "Maintenance",
        "message": "At noon",
        "priority": "medium",
        "entity_type": "server",
        "entity_id": "7",
        "entity_url": "/servers/7",
        "data": {"minutes": 5},
    }
    sent = await tidings.http.post(f"{BASE}/send", json=body, headers=tidings.headers("ops"))
    await tidings.wait_for_counts("alice", total=1)
    await tidings.wait_for_counts("bob", total=1)
    [item] = (await list_page(tidings))["items"]

    assert sent.status_code == 200 and sent.json()["message"] == "Notification sent"
    assert item["notification_type"] == "maintenance" and item["data"]["minutes"] == 5
    for name in ("title", "message", "priority", "entity_type", "entity_id", "entity_url"):
        assert item[name] == body[name]


async def test_sending_needs_the_scope_and_a_valid_body(tidings: Tidings) -> None:
    body = {"user_ids": ["alice"], "title": "-", "message": "-"}
    reader = tidings.headers("alice", scope="inbox")
    service = tidings.headers("ops")

    refused = await tidings.http.post(f"{BASE}/send", json=body, headers=reader)
    wrong = [
        await tidings.http.post(f"{BASE}/send", json={**body, **change}, headers=service)
        for change in ({"user_ids": []}, {"priority": "urgent"}, {"title": 7})
    ]

    assert refused.status_code == 403
    assert [answer.status_code for answer in wrong] == [400, 400, 400]
