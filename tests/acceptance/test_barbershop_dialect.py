"""The barbershop's own front end on Tidings: /api/v1/ws and /api/v1/notifications."""

from __future__ import annotations

from tests.acceptance.frontends import BARBERSHOP, open_front_end, request_as_alice
from tests.builders import make_announcement, make_event
from tests.driver import Tidings

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


async def test_personal_location_and_broadcast_events_arrive_as_notifications(
    tidings: Tidings,
) -> None:
    tenant = tidings.tenant
    async with open_front_end(tidings, BARBERSHOP) as page:
        await tidings.emit(
            make_event("user.joined", identifier=f"{tenant}-joined", user_id="alice"),
            make_event(
                "location.staff_joined",
                identifier=f"{tenant}-staff",
                location_id="5",
                user_id="alice",
            ),
            make_event(
                "appointment.booked", identifier=f"{tenant}-1", appointment_id="1", **APPOINTMENT
            ),
            make_event(
                "team.announcement",
                identifier=f"{tenant}-2",
                location_id="5",
                message="Closed on Monday",
            ),
            make_event(
                "announcement.published",
                identifier=f"{tenant}-3",
                title="All",
                message="all",
                to={"everyone": True},
            ),
        )
        notifications = [frame["data"] for frame in await page.read_until("notification", count=3)]
        frames = await page.read_pending()

    assert [notification["type"] for notification in notifications] == [
        "appointment.booked",
        "team.announcement",
        "announcement.published",
    ]
    assert (
        all(notification.keys() == KEYS for notification in notifications)
        and notifications[0]["data"]["client_name"] == "Ann"
    )
    assert [frame["type"] for frame in frames] == ["notification"] * 3 + ["pong"]


async def test_a_subscription_to_one_type_delivers_no_other(tidings: Tidings) -> None:
    async with open_front_end(tidings, BARBERSHOP) as page:
        await page.send({"type": "subscribe", "event_type": "appointment_cancelled"})
        await page.read_pending()
        await tidings.emit(
            make_event("appointment.booked", appointment_id="1", **APPOINTMENT),
            make_announcement("alice"),
            make_event("appointment.cancelled", appointment_id="1", **APPOINTMENT),
        )

        assert (await page.next("notification"))["data"]["type"] == "appointment.cancelled"


async def test_lists_counts_and_marks(tidings: Tidings) -> None:
    await tidings.emit(*(make_announcement("alice", title=str(number)) for number in range(5)))
    await tidings.wait_for_counts("alice", total=5)
    page = (
        await request_as_alice(tidings, "GET", "/api/v1/notifications", page=2, page_size=2)
    ).json()
    first, second = (notification["id"] for notification in page["notifications"])

    read_answer = (
        await request_as_alice(tidings, "PUT", f"/api/v1/notifications/{first}/read")
    ).json()
    delete_answer = (
        await request_as_alice(tidings, "DELETE", f"/api/v1/notifications/{second}")
    ).json()
    unread_page = (await request_as_alice(tidings, "GET", "/api/v1/notifications/unread")).json()
    count = (await request_as_alice(tidings, "GET", "/api/v1/notifications/unread-count")).json()
    all_read = (await request_as_alice(tidings, "POST", "/api/v1/notifications/read-all")).json()
    clear_answer = (await request_as_alice(tidings, "DELETE", "/api/v1/notifications")).json()
    last_page = (await request_as_alice(tidings, "GET", "/api/v1/notifications")).json()

    assert [notification["title"] for notification in page["notifications"]] == ["2", "1"]
    assert (
        page["total"],
        page["page"],
        page["page_size"],
        page["pages"],
        page["unread_count"],
    ) == (5, 2, 2, 3, 5)
    assert (
        read_answer["id"] == first
        and read_answer["is_read"]
        and read_answer["read_at"]
        and delete_answer == {"id": second, "deleted": True}
    )
    assert [notification["title"] for notification in unread_page["notifications"]] == [
        "4",
        "3",
        "0",
    ] and count == {"unread_count": 3}
    assert all_read == {"marked_as_read": 3} and clear_answer == {"deleted": 4}
    assert (last_page["notifications"], last_page["total"], last_page["pages"]) == ([], 0, 0)


async def test_the_status_counts_only_the_connections_of_the_tenant(tidings: Tidings) -> None:
    async with (
        open_front_end(tidings, BARBERSHOP) as page,
        open_front_end(tidings, BARBERSHOP, "bob") as other_page,
    ):
        await page.read_pending()
        await other_page.read_pending()

        status = (await request_as_alice(tidings, "GET", "/api/v1/ws/status")).json()

    assert status == {
        "status": "active",
        "total_connections": 2,
        "connected_users": 2,
        "your_connections": 1,
    }
