"""The field service's own code, taken out of its document, on Tidings."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import expect
from tidings.edge.dialects.products.field_service.words import TYPES
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import FIELD_SERVICE as PATH
from tests.acceptance.frontends import FrontEnd, open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.products.field_service_pages import (
    check_field,
    documented_fields,
    documented_notifications,
    documented_types,
    expect_rows,
    open_office,
    open_technician,
    update_work_orders,
)
from tests.products.socket_log import (
    advance_until,
    drop_socket,
    read_handshake_status,
    stop_clock,
    wait_until_caught_up,
)
from tests.web.visitor import Visitor
from tests.web_processes import run_web

UPDATE = "dashboard.notification.update"


async def read_notifications(page: FrontEnd, count: int) -> list[dict[str, Any]]:
    """Read until there are `count` notifications, each in one frame with the unread count."""
    found = list[dict[str, Any]]()
    while len(found) < count:
        data = (await page.next(UPDATE))["data"]
        assert isinstance(data["unread_count"], int)
        found += [data["notification"]] if "notification" in data else []
    return found


async def test_notifications_are_the_documents_dataclass_with_its_texts_and_metadata(
    tidings: Tidings,
) -> None:
    update = {"status": "done", "notes": "wet", "issues": "leak"}
    async with open_front_end(tidings, PATH) as page:
        await update_work_orders(
            tidings, update["status"], notes="wet", issues="leak", alert_office=True
        )
        arrived = await read_notifications(page, 3)
    expected = documented_notifications(work_order_id="12", **update)

    for notification in arrived:
        assert notification.keys() == documented_fields().keys()
        for name, annotation in documented_fields().items():
            check_field(annotation, notification[name])
    assert {
        each["type"]: {name: each[name] for name in ("message", "priority", "metadata")}
        for each in arrived
    } == expected


async def test_the_type_of_every_notification_is_one_of_the_documents(tidings: Tidings) -> None:
    events = (
        make_announcement("alice", title="Closed on Monday"),
        make_event("technician.notified", technician_id="alice", message="Call in"),
        make_event("technician.notified", technician_id="alice", message="-", work_order_id="12"),
        make_event("equipment.alert", equipment_id="e", name="Pump", message="-", severity="low"),
        make_event("inventory.alert", item_id="i", name="Bolts", quantity=1, threshold=9),
        make_event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
    )
    async with open_front_end(tidings, PATH) as page:
        await update_work_orders(tidings)
        await tidings.emit(*events)
        arrived = await read_notifications(page, len(events))

    assert {*TYPES} == {*documented_types().values()}
    assert [each["type"] for each in sorted(arrived, key=lambda each: each["timestamp"])] == [
        "office_alert",
        "office_alert",
        "work_order_update",
        "equipment_alert",
        "inventory_alert",
        "office_alert",
    ]
    for each in arrived:
        check_field("Optional[Dict]", each["metadata"])
        check_field("int", each["priority"])
    assert {each["metadata"].get("work_order_id") for each in arrived} == {"12", None}


async def test_the_lists_requests_answer_with_the_documents_notifications(
    tidings: Tidings,
) -> None:
    await update_work_orders(tidings, "open", "paused", "done")
    await tidings.wait_for_counts("alice", unread=3)
    headers = tidings.headers("alice")

    listed = (await tidings.http.get("/api/notifications", headers=headers)).json()
    older = await tidings.http.get(
        "/api/notifications", params={"limit": 1, "offset": 2}, headers=headers
    )
    cut = await tidings.http.get("/api/notifications", params={"limit": 200}, headers=headers)
    async with open_front_end(tidings, PATH) as first, open_front_end(tidings, PATH) as second:
        answers = [
            await tidings.http.request(
                method, f"/api/notifications/{each['id']}/read", headers=headers
            )
            for method, each in zip(("PATCH", "POST"), listed, strict=False)
        ]
        for page in (first, second):
            while (await page.next(UPDATE))["data"] != {"unread_count": 1}:
                pass
    unread = await tidings.http.get(
        "/api/notifications", params={"unread_only": True}, headers=headers
    )

    assert [each["metadata"]["status"] for each in listed] == ["done", "paused", "open"]
    assert all(each.keys() == documented_fields().keys() for each in listed)
    assert (older.json(), cut.json()) == (listed[2:], listed)
    assert [answer.json() for answer in answers] == [{**each, "read": True} for each in listed[:2]]
    assert unread.json() == listed[2:]


async def test_the_offices_badge_shows_what_is_unread_in_every_tab(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    office = await open_office(visitor, tmp_path / "office", frozen_clock=True)
    technician = await open_technician(visitor, tmp_path / "technician")
    for page in (office, technician):
        await wait_until_caught_up(page)
    await expect(office.locator("main.connected")).to_have_count(1)
    await expect(office.locator(".badge")).to_have_count(0)

    await update_work_orders(tidings, "open", issues="leak")
    await expect(office.locator(".badge")).to_have_text("2")
    await technician.get_by_text("leak").click()
    await expect(technician.locator("button.true")).to_have_count(1)
    await expect(technician.locator("#unread")).to_have_text("1")
    await expect(office.locator(".badge")).to_have_text("1")

    await drop_socket(office)
    await expect(office.locator("main.disconnected")).to_have_count(1)
    await update_work_orders(tidings, "paused")
    await advance_until(office, "window.opens === 2")
    await expect(office.locator(".badge")).to_have_text("2")


async def test_a_technician_who_returns_sees_what_was_missed_once_and_not_what_was_read(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await open_technician(visitor, tmp_path, frozen_clock=True)
    await update_work_orders(tidings, "open")
    await expect_rows(page, r"status_update: .* open \(work order 12 in 20\d\d\)", unread=1)

    await drop_socket(page)
    await update_work_orders(tidings, "paused", "wet", "dry")
    await tidings.wait_for_counts("alice", unread=4)
    wet = next(each for each in await tidings.list_all("alice") if "wet" in each["message"])
    await tidings.http.post(
        f"/api/notifications/{wet['id']}/read", headers=tidings.headers("alice")
    )
    await tidings.wait_for_counts("alice", unread=3)
    await advance_until(page, "window.opens === 2")
    await expect_rows(page, "open", "paused", "dry", unread=3)

    again = await open_technician(visitor, tmp_path)
    await expect_rows(again, unread=3)
    await update_work_orders(tidings, "done")
    await expect_rows(again, "done", unread=4)
    await expect_rows(page, "open", "paused", "dry", "done", unread=4)


async def test_a_new_page_counts_three_missed_notifications_as_three(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    await update_work_orders(tidings, "open", "paused")
    await tidings.emit(make_announcement("alice", title="News", message="Closed on Monday"))
    await tidings.wait_for_counts("alice", unread=3)

    page = await open_technician(visitor, tmp_path)

    await expect_rows(page, "open", "paused", "office_alert: Closed on Monday", unread=3)


async def test_a_page_with_an_expired_token_is_refused_at_the_handshake(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    visitor.expected_errors = ("WebSocket",)
    page = await open_office(visitor, tmp_path, seconds=4, frozen_clock=True)
    await expect(page.locator("main.connected")).to_have_count(1)
    await page.wait_for_function("window.closes?.length === 1")

    await advance_until(page, "window.closes?.length === 4")

    assert await page.evaluate("window.closes") == [4002, 1006, 1006, 1006]
    assert await page.evaluate("window.opens") == 1
    await expect(page.locator("main.disconnected")).to_have_count(1)


async def test_a_sixth_tab_is_refused_until_another_one_closes(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket",)
    async with AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(open_front_end(tidings, PATH))
            for _ in range(chosen.connections_per_user)
        ]
        for other in others:
            await other.read_pending()
        page = await open_office(visitor, tmp_path, frozen_clock=True)
        await advance_until(page, "window.closes?.length === 2")
        before = await page.evaluate("[window.opens, window.closes]")
        await others[0].socket.close()
        await advance_until(page, "window.opens === 1")

        assert before == [0, [1006, 1006]]
        await expect(page.locator("main.connected")).to_have_count(1)


async def test_a_page_survives_a_restart_of_the_server(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket",)
    async with run_web(chosen) as edge:
        port = int(edge.url.rpartition(":")[2])
        page = await open_technician(visitor, tmp_path, url=edge.url, frozen_clock=True)
        await update_work_orders(tidings, "open")
        await expect_rows(page, "open", unread=1)
        await stop_clock(page)
    await update_work_orders(tidings, "done")
    async with run_web(chosen, port=port):
        await advance_until(page, "window.opens === 2")
        await expect_rows(page, "open", "done", unread=2)
        await page.close()


async def test_a_page_is_refused_with_an_http_status_and_never_accepted(tidings: Tidings) -> None:
    tokens = ("", "forged", tidings.token("alice", scope="emit"))
    statuses = [await read_handshake_status(tidings, PATH, token) for token in tokens]

    assert statuses == [401, 401, 403]
    assert (await tidings.http.get("/api/notifications")).status_code == 401
