"""The five products' React pages: with one import changed, they show what they did before."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from tests.acceptance.frontends import (
    BARBERSHOP,
    CHAT,
    FIELD_SERVICE,
    INCIDENTS,
    open_event_source,
    open_front_end,
)
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web.products import open_product
from tests.web.visitor import Visitor


def message_in_room(tidings: Tidings, text: str) -> list[dict[str, Any]]:
    """Return events: Bob writes in a room where Alice is, too."""
    joined = [
        make_event(
            "room.member_joined", identifier=f"{tidings.tenant}-{user}", room_id="9", user_id=user
        )
        for user in ("alice", "bob")
    ]
    return [
        *joined,
        make_event(
            "message.posted",
            message_id=uuid4().hex,
            room_id="9",
            sender_id="bob",
            sender_name="Bob",
            text=text,
        ),
    ]


def work_order_done(tidings: Tidings, **more: str) -> list[dict[str, Any]]:
    """Return events: a work order that Alice works on is done."""
    assigned = make_event(
        "work_order.assigned",
        identifier=f"{tidings.tenant}-12",
        work_order_id="12",
        technician_id="alice",
    )
    return [assigned, make_event("work_order.updated", work_order_id="12", status="done", **more)]


def appointment(client: str, type_: str = "appointment.booked") -> dict[str, Any]:
    """Return an appointment of Alice's."""
    return make_event(
        type_,
        appointment_id="1",
        user_id="alice",
        client_name=client,
        service="Haircut",
        time="2026-05-01T09:00:00Z",
    )


async def test_the_field_service_s_dashboard_shows_work_orders_and_the_unread_count(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_product(visitor, pages, "field-service")
    await expect(page.locator("main.connected")).to_be_visible()

    await tidings.emit(*work_order_done(tidings, issues="leak"))

    await expect(page.locator("#unread")).to_have_text("3")
    await expect(page.locator("p")).to_have_text(
        [
            "issue_detected: Issue reported for work order 12: leak",
            "status_update: Work order 12 status updated to: done",
            "work_order_update: Work order 12 assigned to you",
        ]
    )
    await expect(page.locator("p.priority-2")).to_have_count(1)


async def test_the_barbershop_s_page_still_receives_everything_after_it_subscribed(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_product(visitor, pages, "barbershop")
    await expect(page.get_by_text("ready")).to_be_visible()

    await tidings.emit(
        appointment("Charlie"), appointment("Eli", "appointment.cancelled"), appointment("Dora")
    )
    await expect(page.get_by_role("button")).to_have_text(["Charlie", "Eli", "Dora"])
    await expect(page.locator("#unread")).to_have_text("3")
    await page.get_by_text("Charlie").click()

    await expect(page.locator("#unread")).to_have_text("2")
    await tidings.wait_for_counts("alice", unread=2)


async def test_the_chats_page_receives_what_was_read_elsewhere_and_the_count(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    phone = await (await tidings.connect("alice")).live()
    page = await open_product(visitor, pages, "chat")
    await expect(page.locator("#unread")).to_have_text("0")

    await tidings.emit(*message_in_room(tidings, "Lunch?"))
    await page.get_by_text("Bob: Lunch?").click()
    await phone.until_counts(unread=0, total=1)
    await expect(page.locator("button.read")).to_have_text("Bob: Lunch?")
    await phone.mark("unread", *phone.visible_ids)

    await expect(page.locator("button.delivered")).to_have_text("Bob: Lunch?")
    await expect(page.locator("#unread")).to_have_text("1")


async def test_the_incidents_board_follows_what_happens_on_every_device(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    phone = await (await tidings.connect("alice")).live()
    page = await open_product(visitor, pages, "incidents")
    await expect(page.get_by_role("heading")).to_have_text("Connected to notifications, alice")

    await tidings.emit(
        *(
            make_event(
                "incident.created",
                incident_id=f"i-{n}",
                number=n,
                title="Fire",
                severity="high",
                responders=["alice"],
            )
            for n in (1, 2, 3)
        )
    )
    await expect(page.locator("a.high")).to_have_count(3)
    await phone.until(3)
    first, second, _ = phone.visible_ids
    await phone.mark("deleted", first)
    await phone.mark("read", second)

    await expect(page.locator("a")).to_have_count(1)
    await expect(page.locator("#unread")).to_have_text("1 of 2")
    said = (await page.locator("main.connected").get_attribute("data-said") or "").split(",")
    assert (said[0], said[-1]) == ("0", "1") and not any(
        one == next_ for one, next_ in pairwise(said)
    )


async def test_the_volunteers_bell_shows_tasks_and_announcements_and_marks_all_read(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_product(visitor, pages, "volunteers")
    await expect(page.locator("main.connected")).to_have_count(1)

    await tidings.emit(
        make_event("user.joined", user_id="alice"),
        make_event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
        make_announcement(title="Closed on Monday", to={"everyone": True}),
    )
    await expect(page.locator("p")).to_have_text(
        ["notification: Task Assigned", "system_announcement: Closed on Monday"]
    )
    await page.locator("#unread").click()

    await expect(page.locator("#unread")).to_have_text("0")
    await expect(page.locator("li")).to_have_text(
        ["Closed on Monday (read)", "Task Assigned (read)"]
    )
    await expect(page.locator("li[data-task='7']")).to_have_count(1)


PATHS = {
    "field-service": FIELD_SERVICE,
    "barbershop": BARBERSHOP,
    "chat": CHAT,
    "incidents": INCIDENTS,
}
EXPECTED_CALLS = 7


def events_of_all_products(tidings: Tidings) -> list[dict[str, Any]]:
    """Return events of each product, all of which notify Alice."""
    incident = make_event("incident.assigned", incident_id="i-1", number=7, user_id="alice")
    task = make_event(
        "task.assigned", task_id="7", task_title="Paint", user_id="alice", project_id="3"
    )
    return [
        *work_order_done(tidings),
        appointment("Charlie"),
        *message_in_room(tidings, "Lunch?"),
        make_announcement("alice"),
        incident,
        task,
    ]


async def test_hooks_say_word_for_word_what_the_products_own_sockets_say(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    async with AsyncExitStack() as stack:
        sockets = {
            name: await stack.enter_async_context(open_front_end(tidings, path))
            for name, path in PATHS.items()
        }
        page = await open_product(visitor, pages, "frames")
        await expect(page.locator("p.connected")).to_have_count(len(PATHS) + 1)

        await tidings.emit(*events_of_all_products(tidings))
        await page.wait_for_function(f"settled({EXPECTED_CALLS})")
        answered = await page.evaluate(
            "Object.values(send).map((say) => [say({ type: 'ping' }), say('no frame')])"
        )
        await page.wait_for_function(
            """Object.values(rendered).every((frames) =>
                JSON.stringify(frames.at(-1)).includes("bad frame: "))"""
        )
        theirs = {
            name: without_times([*await socket.read_pending()]) for name, socket in sockets.items()
        }

    frames, rendered = await page.evaluate("[called, rendered]")
    assert {name: without_times(frames[name][:-1]) for name in PATHS} == theirs
    assert rendered == frames
    assert answered == [[True, False]] * len(PATHS) + [[False, False]]


async def test_the_volunteers_hook_says_word_for_word_what_their_stream_says(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    async with open_event_source(tidings) as stream:
        page = await open_product(visitor, pages, "frames")
        await expect(page.locator("p.connected")).to_have_count(len(PATHS) + 1)

        await tidings.emit(*events_of_all_products(tidings))
        await page.wait_for_function(f"settled({EXPECTED_CALLS})")
        frames = await page.evaluate("called.volunteers")
        greeted, *theirs = [await stream.next(each["event"]) for each in frames]

    connected, *events = [each["data"] for each in frames]
    assert events == theirs
    assert connected.keys() == greeted.keys() and connected["user_id"] == greeted["user_id"]


def without_times(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return frames without the time at which each was sent."""
    found = [{key: value for key, value in each.items() if key != "timestamp"} for each in frames]
    for each in found:
        if each.get("event") == "connection:established":
            each["data"] = {**each["data"], "timestamp": None}
    return found
