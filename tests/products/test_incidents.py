"""The incidents' own code and every table of their document, on Tidings."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.settings import Settings
from websockets.asyncio.client import connect

from tests.acceptance.frontends import INCIDENTS as PATH
from tests.acceptance.frontends import FrontEnd, open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import SECRET, Tidings
from tests.products.incidents import (
    TIME,
    document,
    incident_event,
    printed_frames,
    printed_keys,
    printed_stats,
)
from tests.products.socket_log import read_handshake_status

BASE = "/api/v1/notifications"
PRIORITIES = {"low", "medium", "high", "critical"}


def check_like(printed: dict[str, Any], arrived: dict[str, Any]) -> None:
    """Check a frame field by field against the one that the document prints."""
    assert arrived.keys() == printed.keys()
    for name, value in printed.items():
        found = arrived[name]
        if isinstance(value, dict):
            check_like(value, found)
        elif name in ("timestamp", "created_at"):
            assert TIME.fullmatch(found)
        elif value == "uuid":
            assert isinstance(found, str) and found
        elif name == "entity_url":
            assert found == value.replace("uuid", arrived["entity_id"])
        else:
            assert found == value


async def read_stats(page: FrontEnd, **expected: Any) -> dict[str, Any]:
    """Read until the statistics have these values, and return them."""
    while True:
        stats = (await page.next("stats:updated"))["data"]
        if expected.items() <= stats.items():
            return stats


async def test_a_notification_is_the_documents_message_field_by_field(tidings: Tidings) -> None:
    server_frame, client_frame = printed_frames()
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(incident_event(severity=server_frame["data"]["priority"]))
        arrived = await page.next(server_frame["event"])
        await page.send(client_frame)
        pong = await page.next("pong")

    check_like(server_frame, arrived)
    assert pong["type"] in document().text


async def test_every_event_of_the_table_arrives_with_its_data(tidings: Tidings) -> None:
    tidings.dialect = "incidents"
    headers = tidings.headers("alice")
    async with open_front_end(tidings, PATH) as page:
        await page.next("stats:updated")
        await tidings.emit(incident_event(), incident_event("incident.resolved"))
        first, second = [
            each["data"]["id"] for each in await page.read_until("notification:new", count=2)
        ]
        await read_stats(page, unread=2)
        marked = await tidings.http.post(
            f"{BASE}/mark-read", json={"notification_ids": [first]}, headers=headers
        )
        await read_stats(page, unread=1)
        deleted = await tidings.http.delete(f"{BASE}/{second}", headers=headers)
        await read_stats(page, total=1)
    by_event = {frame["event"]: frame["data"] for frame in page.heard}

    assert (marked.json(), deleted.status_code) == ({"marked_count": 1}, 200)
    keys_by_name = {
        "NotificationData": {*printed_frames()[0]["data"]},
        "NotificationStats": printed_stats() | {"by_type", "by_priority"},
    }
    rows = document().table("Event")
    assert {row["Event"] for row in rows} == by_event.keys()
    for row in rows:
        data = by_event[row["Event"]]
        if (keys := printed_keys(row["Data"])) is not None:
            assert data.keys() == keys
        else:
            assert data.keys() >= keys_by_name[row["Data"]]
    assert by_event["notification:read"] == {"id": first}
    assert by_event["notification:deleted"] == {"id": second}


async def test_every_type_a_client_may_send_is_answered_as_in_the_table(
    tidings: Tidings,
) -> None:
    async with open_front_end(tidings, PATH) as page:
        for row in document().table("Type"):
            await page.send({"type": row["Type"]})
            assert (await page.next("pong", "error"))["type"] in row["Description"]


async def test_every_close_code_of_the_table_has_its_reason(tidings: Tidings) -> None:
    person = Person(tidings.tenant, "alice")
    without_user = issue_token(person, "inbox", SECRET, time.time(), 60, sub=None)
    made_with = {
        4001: (None,),
        4002: ("forged", issue_token(person, "inbox", SECRET, time.time() - 60, 30)),
        4003: (without_user, issue_token(person, "emit", SECRET, time.time(), 60)),
    }
    address = f"{tidings.url.replace('http', 'ws')}{PATH}"
    closed = dict[int, str]()
    for tokens in made_with.values():
        for token in tokens:
            async with connect(address + (f"?token={token}" if token else "")) as socket:
                await socket.wait_closed()
                assert socket.close_code is not None
                closed[socket.close_code] = socket.close_reason or ""
    async with open_front_end(tidings, PATH) as page:
        await page.next("stats:updated")
        await page.socket.close()
        closed[page.socket.close_code or 0] = ""

    assert [int(row["Code"]) for row in document().table("Code")] == [*closed]


async def test_the_session_with_wscat_works_as_printed(tidings: Tidings) -> None:
    session = document().block("bash", "wscat -c").splitlines()
    [address] = [line.split('"')[1] for line in session if line.startswith("wscat")]
    host = tidings.url.removeprefix("http://")
    given = address.replace("localhost:8000", host).replace("=TOKEN", f"={tidings.token('alice')}")
    async with connect(given) as socket:
        assert json.loads(await socket.recv())["event"] == "connection:established"
        await socket.send(session[-1])
        page = FrontEnd(socket)
        assert await page.next("pong") == {"type": "pong"}


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        ("critical", "critical"),
        ("high", "high"),
        ("medium", "medium"),
        ("low", "medium"),
        (None, "medium"),
    ],
)
async def test_the_severity_of_an_incident_is_its_priority(
    tidings: Tidings, severity: str | None, priority: str
) -> None:
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(incident_event(**({"severity": severity} if severity else {})))
        new = await page.next("notification:new")
        stats = await read_stats(page, total=1)

    assert new["data"]["priority"] == priority
    assert stats["by_priority"] == {priority: 1} and stats["by_type"] == {"incident_created": 1}


async def test_every_type_has_the_words_of_the_product(tidings: Tidings) -> None:
    number = printed_frames()[0]["data"]["message"].split()[1]
    expected = {
        "incident_created": ("New Incident Created", "created"),
        "incident_assigned": ("Incident Assigned", "assigned"),
        "incident_updated": ("Incident Updated", "updated"),
        "incident_escalated": ("Incident Escalated", "escalated"),
        "incident_resolved": ("Incident Resolved", "resolved"),
        "incident_closed": ("Incident Closed", "closed"),
    }
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(
            incident_event(),
            incident_event("incident.assigned", user_id="alice"),
            incident_event("incident.status_changed", new_status="open"),
            incident_event("incident.escalated"),
            incident_event("incident.resolved"),
            incident_event("incident.closed"),
        )
        arrived = [frame["data"] for frame in await page.read_until("notification:new", count=6)]

    assert {each["type"]: (each["title"], each["message"]) for each in arrived} == {
        type_: (title, f"Incident {number} has been {verb}")
        for type_, (title, verb) in expected.items()
    }


async def test_words_of_other_products_and_of_people_have_a_place(tidings: Tidings) -> None:
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(
            make_event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
            make_announcement("alice", title="Closed on Monday", priority="critical"),
            make_event(
                "notification.requested",
                to={"users": ["alice"]},
                title="On call",
                message="-",
                type="on call",
                priority="low",
            ),
        )
        arrived = [each["data"] for each in await page.read_until("notification:new", count=3)]
    by_type = {each["type"]: each for each in arrived}

    assert by_type.keys() == {"task_assigned", "announcement_published", "on call"}
    assert {each["priority"] for each in arrived} <= PRIORITIES
    assert by_type["task_assigned"]["entity_type"] == "task"
    assert by_type["on call"]["priority"] == "low"
    for each in arrived:
        assert each.keys() == printed_frames()[0]["data"].keys()


async def test_a_returning_page_gets_what_was_missed_and_not_what_was_read(
    tidings: Tidings,
) -> None:
    tidings.dialect = "incidents"
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(incident_event())
        await page.next("notification:new")
        await read_stats(page, unread=1)
    await tidings.emit(*(make_announcement("alice", title=str(number)) for number in range(3)))
    await tidings.wait_for_counts("alice", unread=4)
    read = next(each for each in await tidings.list_all("alice") if each["title"] == "1")
    body = {"notification_ids": [read["id"]]}
    await tidings.http.post(f"{BASE}/mark-read", json=body, headers=tidings.headers("alice"))

    async with open_front_end(tidings, PATH) as page:
        stats = await read_stats(page, unread=3)
        frames = await page.read_pending()

    titles = [each["data"]["title"] for each in frames if each.get("event") == "notification:new"]
    assert titles == ["0", "2"] and stats["total"] == 4


async def test_a_sixth_tab_is_refused_at_the_handshake(tidings: Tidings, chosen: Settings) -> None:
    tabs = [open_front_end(tidings, PATH) for _ in range(chosen.connections_per_user)]
    pages = [await tab.__aenter__() for tab in tabs]
    for page in pages:
        await page.next("stats:updated")

    assert await read_handshake_status(tidings, PATH, tidings.token("alice")) == 429
    for tab in tabs:
        await tab.__aexit__(None, None, None)
