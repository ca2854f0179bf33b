"""The five products' pages, written with React: each changes one import, and shows what it showed before."""

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
    event_source,
    front_end,
)
from tests.driver import Tidings, event, hello_to
from tests.web.products import product
from tests.web.visitor import Visitor


def posted(tidings: Tidings, text: str) -> list[dict[str, Any]]:
    """Bob writes in a room where Alice is, too."""
    joined = [
        event(
            "room.member_joined", identifier=f"{tidings.tenant}-{user}", room_id="9", user_id=user
        )
        for user in ("alice", "bob")
    ]
    return [
        *joined,
        event(
            "message.posted",
            message_id=uuid4().hex,
            room_id="9",
            sender_id="bob",
            sender_name="Bob",
            text=text,
        ),
    ]


def order(tidings: Tidings, **more: str) -> list[dict[str, Any]]:
    """A work order that Alice works on is done."""
    assigned = event(
        "work_order.assigned",
        identifier=f"{tidings.tenant}-12",
        work_order_id="12",
        technician_id="alice",
    )
    return [assigned, event("work_order.updated", work_order_id="12", status="done", **more)]


def booked(client: str, type_: str = "appointment.booked") -> dict[str, Any]:
    """An appointment of Alice's."""
    return event(
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
    page = await product(visitor, pages, "field-service")
    await expect(page.locator("main.connected")).to_be_visible()

    await tidings.emit(*order(tidings, issues="leak"))

    await expect(page.locator("#unread")).to_have_text("2")
    await expect(page.locator("p")).to_have_text(
        [
            "ISSUE_DETECTED: Issue reported for work order 12: leak",
            "STATUS_UPDATE: Work order 12 status updated to: done",
        ]
    )
    await expect(page.locator("p.priority-2")).to_have_count(1)


async def test_the_barbershop_s_page_hears_of_what_it_subscribed_to_and_marks_it_read(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await product(visitor, pages, "barbershop")
    await expect(page.get_by_text("ready")).to_be_visible()

    await tidings.emit(booked("Charlie"), booked("Nobody", "appointment.cancelled"), booked("Dora"))
    await expect(page.get_by_role("button")).to_have_text(["Charlie", "Dora"])
    await expect(page.locator("#unread")).to_have_text("3")
    await page.get_by_text("Charlie").click()

    await expect(page.locator("#unread")).to_have_text("2")
    await tidings.eventually("alice", unread=2)


async def test_the_chat_s_page_counts_when_it_asks_and_is_told_what_was_read_elsewhere(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    phone = await (await tidings.connect("alice")).live()
    page = await product(visitor, pages, "chat")
    await expect(page.locator("#unread")).to_have_text("0")

    await tidings.emit(*posted(tidings, "Lunch?"))
    await page.get_by_text("Bob: Lunch?").click()
    await phone.until_counts(unread=0, total=1)
    await expect(page.locator("button.read")).to_have_text("Bob: Lunch?")
    await phone.mark("unread", *phone.shown)

    await expect(page.locator("button.unread")).to_have_text("Bob: Lunch?")
    await expect(page.locator("#unread")).to_have_text("0")


async def test_the_incidents_board_follows_what_happens_on_every_device(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    phone = await (await tidings.connect("alice")).live()
    page = await product(visitor, pages, "incidents")
    await expect(page.get_by_role("heading")).to_have_text("Connected to notifications, alice")

    await tidings.emit(
        *(
            event(
                "incident.created",
                incident_id=f"i-{n}",
                number=n,
                title="Fire",
                responders=["alice"],
            )
            for n in (1, 2, 3)
        )
    )
    await expect(page.locator("a.high")).to_have_count(3)
    await phone.until(3)
    first, second, _ = phone.shown
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
    page = await product(visitor, pages, "volunteers")
    await expect(page.locator("main.connected")).to_have_count(1)

    await tidings.emit(
        event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
        hello_to("alice", title="Closed on Monday"),
    )
    await expect(page.locator("p")).to_have_text(
        ["notification: Task assigned", "system_announcement: Closed on Monday"]
    )
    await page.locator("#unread").click()

    await expect(page.locator("#unread")).to_have_text("0")
    await expect(page.locator("li")).to_have_text(
        ["Closed on Monday (read)", "Task assigned (read)"]
    )
    await expect(page.locator("li[data-task='7']")).to_have_count(1)


PATHS = {
    "field-service": FIELD_SERVICE,
    "barbershop": BARBERSHOP,
    "chat": CHAT,
    "incidents": INCIDENTS,
}
TOLD = 6


def everything(tidings: Tidings) -> list[dict[str, Any]]:
    """Something of each product's story, all of it told to Alice."""
    incident = event("incident.assigned", incident_id="i-1", number=7, user_id="alice")
    task = event("task.assigned", task_id="7", task_title="Paint", user_id="alice", project_id="3")
    return [
        *order(tidings),
        booked("Charlie"),
        *posted(tidings, "Lunch?"),
        hello_to("alice"),
        incident,
        task,
    ]


async def test_hooks_say_word_for_word_what_the_products_own_sockets_say(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    async with AsyncExitStack() as stack:
        sockets = {
            name: await stack.enter_async_context(front_end(tidings, path))
            for name, path in PATHS.items()
        }
        page = await product(visitor, pages, "frames")
        await expect(page.locator("p.connected")).to_have_count(len(PATHS) + 1)

        await tidings.emit(*everything(tidings))
        await page.wait_for_function(f"settled({TOLD})")
        answered = await page.evaluate(
            "Object.values(send).map((say) => [say({ type: 'ping' }), say('no frame')])"
        )
        await page.wait_for_function(
            "Object.values(rendered).every((all) => JSON.stringify(all.at(-1)).includes('bad frame: '))"
        )
        theirs = {name: timeless([*await socket.all()]) for name, socket in sockets.items()}

    told, rendered = await page.evaluate("[called, rendered]")
    assert {name: timeless(told[name][:-1]) for name in PATHS} == theirs
    assert rendered == told
    assert answered == [[True, False]] * len(PATHS) + [[False, False]]


async def test_the_volunteers_hook_says_word_for_word_what_their_stream_says(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    async with event_source(tidings) as stream:
        page = await product(visitor, pages, "frames")
        await expect(page.locator("p.connected")).to_have_count(len(PATHS) + 1)

        await tidings.emit(*everything(tidings))
        await page.wait_for_function(f"settled({TOLD})")
        told = await page.evaluate("called.volunteers")
        greeted, *theirs = [await stream.next(each["event"]) for each in told]

    connected, *events = [each["data"] for each in told]
    assert events == theirs
    assert connected.keys() == greeted.keys() and connected["user_id"] == greeted["user_id"]


def timeless(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Frames without the moment at which each was sent."""
    found = [{key: value for key, value in each.items() if key != "timestamp"} for each in told]
    for each in found:
        if each.get("event") == "connection:established":
            each["data"] = {**each["data"], "timestamp": None}
    return found
