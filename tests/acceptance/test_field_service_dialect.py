"""The field service's front end, written for its own server, on Tidings: /ws."""

from __future__ import annotations

from typing import Any

from tests.acceptance.frontends import FIELD_SERVICE, FrontEnd, front_end
from tests.driver import Tidings, event

UPDATE = "dashboard.notification.update"


async def until_unread(page: FrontEnd, count: int) -> list[dict[str, Any]]:
    """The notifications that the dashboard was told of by the time that its badge shows this count."""
    while page.heard[-1:] != [{"type": UPDATE, "data": {"unread_count": count}}]:
        await page.next(UPDATE)
    return [
        frame["data"]["notification"] for frame in page.heard if "notification" in frame["data"]
    ]


async def test_the_dashboard_shows_work_orders_and_everybodys_own_unread_count(
    tidings: Tidings,
) -> None:
    tenant = tidings.tenant
    async with (
        front_end(tidings, FIELD_SERVICE, "olga") as office,
        front_end(tidings, FIELD_SERVICE, "tom") as technician,
    ):
        empty = [await until_unread(page, 0) for page in (office, technician)]
        await tidings.emit(
            event("role.granted", identifier=f"{tenant}-1", user_id="olga", role="office"),
            event(
                "work_order.assigned",
                identifier=f"{tenant}-2",
                work_order_id="12",
                technician_id="tom",
            ),
            event(
                "work_order.updated",
                identifier=f"{tenant}-3",
                work_order_id="12",
                status="done",
                issues="leak",
            ),
        )
        told = await until_unread(technician, 2)
        await until_unread(office, 2)
        body = {"state": "read", "ids": [told[0]["id"]]}
        await tidings.http.post("/v1/notifications/mark", json=body, headers=tidings.headers("tom"))
        await until_unread(technician, 1)
        heard = await office.all()

    assert empty == [[], []]
    assert {each["type"]: each["priority"] for each in told} == {
        "STATUS_UPDATE": 1,
        "ISSUE_DETECTED": 2,
    }
    assert told[0]["message"] == "Work order 12 status updated to: done"
    assert told[0]["work_order_id"] == "12" and not told[0]["is_read"]
    assert {"type": UPDATE, "data": {"unread_count": 1}} not in heard[-3:]
