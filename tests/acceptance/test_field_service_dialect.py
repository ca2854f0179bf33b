"""The field service's own front end on Tidings: /ws."""

from __future__ import annotations

from typing import Any

from tests.acceptance.frontends import FIELD_SERVICE, FrontEnd, open_front_end
from tests.builders import make_event
from tests.driver import Tidings

UPDATE = "dashboard.notification.update"


async def read_until_unread(page: FrontEnd, count: int) -> list[dict[str, Any]]:
    """Read until the badge shows `count`, and return the notifications received so far."""
    while page.heard[-1:] != [{"type": UPDATE, "data": {"unread_count": count}}]:
        await page.next(UPDATE)
    return [
        frame["data"]["notification"] for frame in page.heard if "notification" in frame["data"]
    ]


async def test_the_dashboard_shows_work_orders_and_the_unread_count_of_its_user(
    tidings: Tidings,
) -> None:
    tenant = tidings.tenant
    async with (
        open_front_end(tidings, FIELD_SERVICE, "olga") as office,
        open_front_end(tidings, FIELD_SERVICE, "tom") as technician,
    ):
        empty = [await read_until_unread(page, 0) for page in (office, technician)]
        await tidings.emit(
            make_event("role.granted", identifier=f"{tenant}-1", user_id="olga", role="office"),
            make_event(
                "work_order.assigned",
                identifier=f"{tenant}-2",
                work_order_id="12",
                technician_id="tom",
            ),
            make_event(
                "work_order.updated",
                identifier=f"{tenant}-3",
                work_order_id="12",
                status="done",
                issues="leak",
            ),
        )
        assigned, *notifications = await read_until_unread(technician, 3)
        await read_until_unread(office, 2)
        body = {"state": "read", "ids": [notifications[0]["id"]]}
        await tidings.http.post("/v1/notifications/mark", json=body, headers=tidings.headers("tom"))
        await read_until_unread(technician, 2)
        frames = await office.read_pending()

    assert empty == [[], []]
    assert {notification["type"]: notification["priority"] for notification in notifications} == {
        "status_update": 1,
        "issue_detected": 2,
    }
    assert notifications[0]["message"] == "Work order 12 status updated to: done"
    assert notifications[0]["metadata"] == {"work_order_id": "12", "status": "done", "notes": None}
    assert not notifications[0]["read"]
    assert (assigned["type"], assigned["metadata"]["work_order_id"]) == ("work_order_update", "12")
    assert {"type": UPDATE, "data": {"unread_count": 1}} not in frames[-3:]
