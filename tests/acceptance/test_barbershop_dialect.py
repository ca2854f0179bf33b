"""The barbershop's own front end on Tidings: /api/v1/ws and /api/v1/notifications."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any
from uuid import uuid4

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import BARBERSHOP, open_front_end, request_as_alice
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import PRESENCE_SECONDS, make_driver_at, wait_until_routed
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web_processes import run_web

APPOINTMENT = {"user_id": "alice", "client_name": "Ann", "service": "cut", "time": "10:00"}
FRAME_KEYS = {"id", "type", "priority", "title", "message", "data"}
APPOINTMENT_KEYS = {"client_name", "service", "time"}
LIST_KEYS = FRAME_KEYS | {"is_read", "read_at", "created_at", "action_url"}
BASE = "/api/v1/notifications"
STATUS = "/api/v1/ws/status"


async def add_staff(tidings: Tidings, location: str, *users: str) -> None:
    """Add users to the staff of a location, and wait until that is routed."""
    await tidings.emit(
        *(make_event("location.staff_joined", location_id=location, user_id=user) for user in users)
    )
    await wait_until_routed(tidings)


async def test_a_page_that_connects_receives_a_frame_and_every_frame_has_a_timestamp(
    tidings: Tidings,
) -> None:
    async with open_front_end(tidings, BARBERSHOP) as page:
        frames = await page.read_pending()
        await page.send("no JSON")
        await page.next("error")

    assert [frame["type"] for frame in frames] == ["connection", "pong", "error"]
    assert frames[0] == {
        "type": "connection",
        "status": "connected",
        "message": frames[0]["message"],
        "timestamp": frames[0]["timestamp"],
    }
    assert all(frame["timestamp"] for frame in frames)


async def test_an_update_of_a_location_also_comes_as_a_notification_of_the_same_id(
    tidings: Tidings,
) -> None:
    await add_staff(tidings, "5", "alice")
    async with open_front_end(tidings, BARBERSHOP) as page:
        await tidings.emit(
            make_event("appointment.booked", appointment_id="1", **APPOINTMENT),
            make_event(
                "team.schedule_changed",
                location_id="5",
                message="Closed on Monday",
                details={"hours": "none"},
            ),
            make_announcement("alice", title="All"),
        )
        await page.read_until("notification", count=3)
        frames = (await page.read_pending())[1:-1]

    booking, update, update_notification, announcement = frames
    assert [frame.get("notification_type") for frame in frames] == [
        "appointment",
        None,
        "system",
        "system",
    ]
    assert booking["data"].keys() == FRAME_KEYS | APPOINTMENT_KEYS | {"appointment_id"}
    assert [booking["data"][name] for name in ("type", "priority", "client_name")] == [
        "new_booking",
        "medium",
        "Ann",
    ]
    assert (update["type"], update["update_type"]) == ("team_update", "schedule_change")
    assert update["data"]["message"] == "Closed on Monday"
    assert update["data"]["details"] == {"hours": "none"}
    assert update["data"]["id"] == update_notification["data"]["id"]
    assert announcement["data"]["title"] == "All"
    assert all(frame["timestamp"] for frame in frames)


async def test_a_subscription_is_acknowledged_and_takes_nothing_away(tidings: Tidings) -> None:
    async with open_front_end(tidings, BARBERSHOP) as page:
        for word in ("performance_updates", "appointment_cancelled", "a word of no product"):
            await page.send({"type": "subscribe", "event_type": word})
            answer = await page.next("subscribed")
            assert (answer["event_type"], bool(answer["timestamp"])) == (word, True)
        await tidings.emit(
            make_announcement("alice", title="All"),
            make_event("appointment.booked", appointment_id="1", **APPOINTMENT),
        )

        frames = await page.read_until("notification", count=2)
        assert [frame["notification_type"] for frame in frames] == ["system", "appointment"]


async def test_lists_counts_and_marks(tidings: Tidings) -> None:
    await tidings.emit(*(make_announcement("alice", title=str(number)) for number in range(5)))
    await tidings.wait_for_counts("alice", total=5)

    async def request(method: str, path: str, **query: Any) -> Any:
        response = await request_as_alice(tidings, method, BASE + path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    async with open_front_end(tidings, BARBERSHOP) as connected:
        await connected.read_pending()
        page = await request("GET", "/", limit=2, offset=2)
        first, second = (notification["id"] for notification in page)
        assert [notification["title"] for notification in page] == ["2", "1"]
        assert all(notification.keys() == LIST_KEYS for notification in page)
        assert page[0]["is_read"] is False and page[0]["read_at"] is None

        assert await request("PUT", f"/{first}/read") == {"message": "Notification marked as read"}
        assert await request("DELETE", f"/{second}") == {"message": "Notification deleted"}
        assert [each["title"] for each in await request("GET", "/unread")] == ["4", "3", "0"]
        assert await request("GET", "", unread_only=True) == await request("GET", "/unread/")
        assert await request("GET", "/unread-count") == {"count": 3}
        read = (await request("GET", "", limit=200))[2]
        assert read["id"] == first and read["is_read"] is True and read["read_at"]

        all_read = await request("PUT", "/read-all")
        assert all_read == {"message": "All notifications marked as read"}
        assert await request("GET", "/unread-count") == {"count": 0}
        assert await request("DELETE", "/") == {"message": "All notifications cleared"}
        assert await request("GET", "") == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
@pytest.mark.parametrize("path", ["/read-all", "/mark-all-read"])
async def test_every_method_of_older_front_ends_marks(
    tidings: Tidings, method: str, path: str
) -> None:
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)

    await request_as_alice(tidings, method, BASE + path)

    await tidings.wait_for_counts("alice", unread=0)
    assert (await request_as_alice(tidings, "DELETE", f"{BASE}/clear")).json() == {
        "message": "All notifications cleared"
    }


async def read_status(tidings: Tidings) -> dict[str, Any]:
    """Return the status, read as a probe without a token does."""
    response = await tidings.http.get(STATUS)
    assert response.status_code == 200, response.text
    return response.json()


async def wait_for_location(
    tidings: Tidings, location: str, count: int | None, seconds: float = 10.0, users: int = 0
) -> dict[str, Any]:
    """Read the status until a location has this number of connections, and return the status.

    There are at least `users` then, of whom not all work at the location.
    """
    async with asyncio.timeout(seconds):
        while True:
            status = await read_status(tidings)
            connections = status["connections"]
            is_complete = connections["total_users"] >= users
            if is_complete and connections["by_location"].get(location) == count:
                return status
            await asyncio.sleep(0.1)


async def test_the_status_counts_the_connections_to_all_edges_and_needs_no_token(
    tidings: Tidings, other: Tidings
) -> None:
    location = uuid4().hex
    await add_staff(tidings, location, "alice", "bob")
    async with (
        open_front_end(tidings, BARBERSHOP),
        open_front_end(tidings, BARBERSHOP),
        open_front_end(other, BARBERSHOP),
        open_front_end(other, BARBERSHOP, "bob"),
        open_front_end(other, BARBERSHOP, "elsewhere"),
    ):
        for edge in (tidings, other):
            status = await wait_for_location(edge, location, 4, users=3)
            assert status.keys() == {"status", "connections"} and status["status"] == "active"
            connections = status["connections"]
            assert connections.keys() == {"total_users", "total_connections", "by_location"}
            assert connections["total_users"] >= 3 and connections["total_connections"] >= 5

    for edge in (tidings, other):
        await wait_for_location(edge, location, None)


async def test_the_numbers_of_a_killed_edge_vanish_from_the_status(
    tidings: Tidings, other: Tidings, chosen: Settings
) -> None:
    location = uuid4().hex
    await add_staff(tidings, location, "alice")
    async with (
        run_web(chosen, presence_ttl_seconds=PRESENCE_SECONDS) as killed_edge,
        make_driver_at(tidings, killed_edge.url) as there,
        open_front_end(other, BARBERSHOP),
        open_front_end(there, BARBERSHOP),
        open_front_end(there, BARBERSHOP),
    ):
        await wait_for_location(other, location, 3)
        os.kill(killed_edge.pid, signal.SIGKILL)
        await wait_for_location(other, location, 1, seconds=PRESENCE_SECONDS + 4)


async def test_a_status_that_is_not_public_is_not_found(tidings: Tidings, chosen: Settings) -> None:
    async with (
        run_web(chosen, public_status=False) as edge,
        make_driver_at(tidings, edge.url) as there,
    ):
        check_problem(await there.http.get(STATUS), 404)
