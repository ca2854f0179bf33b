"""The barbershop's front end, written for its own server, on Tidings: /api/v1/ws and /api/v1/notifications."""

from __future__ import annotations

from typing import Any

import httpx

from tests.acceptance.frontends import BARBERSHOP, front_end
from tests.driver import Tidings, event, hello_to

APPOINTMENT = {"user_id": "alice", "client_name": "Ann", "service": "cut", "time": "10:00"}
KEYS = {
    "id",
    "user_id",
    "type",
    "category",
    "priority",
    "title",
    "message",
    "data",
    "is_read",
    "read_at",
    "created_at",
}


async def ask(tidings: Tidings, method: str, path: str, **query: Any) -> httpx.Response:
    return await tidings.http.request(
        method, f"/api/v1{path}", params=query, headers=tidings.headers("alice")
    )


async def test_personal_location_and_broadcast_sends_arrive_as_notifications(
    tidings: Tidings,
) -> None:
    tenant = tidings.tenant
    async with front_end(tidings, BARBERSHOP) as page:
        await tidings.emit(
            event("user.joined", identifier=f"{tenant}-joined", user_id="alice"),
            event(
                "location.staff_joined",
                identifier=f"{tenant}-staff",
                location_id="5",
                user_id="alice",
            ),
            event(
                "appointment.booked", identifier=f"{tenant}-1", appointment_id="1", **APPOINTMENT
            ),
            event(
                "team.announcement",
                identifier=f"{tenant}-2",
                location_id="5",
                message="Closed on Monday",
            ),
            event(
                "announcement.published",
                identifier=f"{tenant}-3",
                title="All",
                message="all",
                to={"everyone": True},
            ),
        )
        told = [each["data"] for each in await page.until("notification", count=3)]
        heard = await page.all()

    assert [each["type"] for each in told] == [
        "appointment.booked",
        "team.announcement",
        "announcement.published",
    ]
    assert all(each.keys() == KEYS for each in told) and told[0]["data"]["client_name"] == "Ann"
    assert [frame["type"] for frame in heard] == ["notification"] * 3 + ["pong"]


async def test_whoever_subscribes_to_a_type_is_told_of_no_other(tidings: Tidings) -> None:
    async with front_end(tidings, BARBERSHOP) as page:
        await page.send({"type": "subscribe", "event_type": "appointment_cancelled"})
        await page.all()
        await tidings.emit(
            event("appointment.booked", appointment_id="1", **APPOINTMENT),
            hello_to("alice"),
            event("appointment.cancelled", appointment_id="1", **APPOINTMENT),
        )

        assert (await page.next("notification"))["data"]["type"] == "appointment.cancelled"


async def test_lists_counts_and_marks(tidings: Tidings) -> None:
    await tidings.emit(*(hello_to("alice", title=str(number)) for number in range(5)))
    await tidings.eventually("alice", total=5)
    page = (await ask(tidings, "GET", "/notifications", page=2, page_size=2)).json()
    first, second = (each["id"] for each in page["notifications"])

    read = (await ask(tidings, "PUT", f"/notifications/{first}/read")).json()
    deleted = (await ask(tidings, "DELETE", f"/notifications/{second}")).json()
    unread = (await ask(tidings, "GET", "/notifications/unread")).json()
    count = (await ask(tidings, "GET", "/notifications/unread-count")).json()
    all_read = (await ask(tidings, "POST", "/notifications/read-all")).json()
    cleared = (await ask(tidings, "DELETE", "/notifications")).json()
    left = (await ask(tidings, "GET", "/notifications")).json()

    assert [each["title"] for each in page["notifications"]] == ["2", "1"]
    assert (
        page["total"],
        page["page"],
        page["page_size"],
        page["pages"],
        page["unread_count"],
    ) == (5, 2, 2, 3, 5)
    assert (
        read["id"] == first
        and read["is_read"]
        and read["read_at"]
        and deleted == {"id": second, "deleted": True}
    )
    assert [each["title"] for each in unread["notifications"]] == ["4", "3", "0"] and count == {
        "unread_count": 3
    }
    assert all_read == {"marked_as_read": 3} and cleared == {"deleted": 4}
    assert (left["notifications"], left["total"], left["pages"]) == ([], 0, 0)


async def test_the_status_counts_the_connections_of_ones_own_tenant(tidings: Tidings) -> None:
    async with (
        front_end(tidings, BARBERSHOP) as page,
        front_end(tidings, BARBERSHOP, "bob") as other,
    ):
        await page.all()
        await other.all()

        found = (await ask(tidings, "GET", "/ws/status")).json()

    assert found == {
        "status": "active",
        "total_connections": 2,
        "connected_users": 2,
        "your_connections": 1,
    }
