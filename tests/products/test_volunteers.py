"""The volunteer projects' own code, taken out of their document, on Tidings."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import Page, expect
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import open_event_source, request_as_alice
from tests.builders import make_announcement, make_event
from tests.driver import WAIT_SECONDS, Tidings
from tests.products.volunteer_pages import open_hook, open_snippet, until_connected
from tests.web.visitor import Visitor
from tests.web_processes import run_web


def assign(*titles: str) -> list[dict[str, Any]]:
    """Return events that assign tasks with these titles to Alice."""
    return [
        make_event(
            "task.assigned", task_id=title, task_title=title, user_id="alice", project_id="789"
        )
        for title in titles
    ]


def assigned(title: str) -> str:
    """Return the text of an assignment on a page."""
    return f'Task Assigned: You have been assigned to task: "{title}"'


async def find_ids(tidings: Tidings) -> dict[str, str]:
    """Return the ids of Alice's notifications by the id of their task."""
    rows = (await request_as_alice(tidings, "GET", "/notifications", limit=100)).json()
    return {row["related_task_id"]: row["id"] for row in rows["notifications"]}


async def expect_list(page: Page, *titles: str, unread: int) -> None:
    """Expect assignments in the hook's list, newest first, under distinct ids, and this badge."""
    await expect(page.locator("#unread")).to_have_text(str(unread))
    await expect(page.locator("p")).to_have_text([f"{assigned(title)} (true)" for title in titles])
    ids = await page.evaluate("window.notifications.map(({ id }) => id)")
    assert len({*ids}) == len(titles)


async def test_the_snippet_receives_connected_and_each_notification(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await until_connected(await open_snippet(visitor, tmp_path))
    await tidings.emit(*assign("Build API"))
    await page.wait_for_function("window.badge === 1")
    await page.wait_for_function("window.log.some(([word]) => word === 'Heartbeat:')")
    log = await page.evaluate("window.log")
    await page.evaluate("window.leave()")

    assert log[0][0] == "Connected:" and isinstance(log[0][1], str)
    assert await page.evaluate("window.shown") == [assigned("Build API")]
    assert await page.evaluate("window.opened[0].readyState") == 2


async def test_the_hook_lists_counts_and_shows_each_notification_in_every_tab(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    first = await until_connected(await open_hook(visitor, tmp_path / "first"))
    second = await until_connected(await open_hook(visitor, tmp_path / "second"))
    await tidings.emit(*assign("Build API"))
    await tidings.emit(*assign("Test API"))

    for page in (first, second):
        await expect_list(page, "Test API", "Build API", unread=2)
        assert await page.evaluate("window.shown") == [assigned("Build API"), assigned("Test API")]


async def test_r4_the_type_is_the_level_in_the_list_the_stream_and_the_hook(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await until_connected(await open_hook(visitor, tmp_path))
    work = {"timelog_id": "1", "user_id": "alice", "hours": 2, "project_id": "789"}
    async with open_event_source(tidings) as stream:
        await stream.next("connected")
        await tidings.emit(*assign("Build API"))
        await tidings.emit(make_event("timelog.approved", **work))
        await tidings.emit(make_event("timelog.rejected", **work))
        streamed = [(await stream.next("notification"))["type"] for _ in range(3)]
    rows = (await request_as_alice(tidings, "GET", "/notifications")).json()["notifications"]

    await expect(page.locator("p")).to_have_count(3)
    shown = await page.evaluate("window.notifications.map(({ type }) => type)")
    assert streamed == ["info", "success", "warning"]
    assert shown == [row["type"] for row in rows] == streamed[::-1]


async def test_r5_a_notification_written_by_hand_arrives_with_its_type_and_related_ids(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await until_connected(await open_hook(visitor, tmp_path))
    await tidings.emit(
        make_event(
            "notification.requested",
            to={"users": ["alice"]},
            title="Task Assigned",
            message='You have been assigned to task: "Build API"',
            level="error",
            references={"task": "456", "project": "789"},
        )
    )
    await expect_list(page, "Build API", unread=1)

    [shown] = await page.evaluate("window.notifications")
    assert (shown["type"], shown["related_task_id"], shown["related_project_id"]) == (
        "error",
        "456",
        "789",
    )


async def test_r5_only_an_announcement_to_everyone_is_a_system_announcement(
    tidings: Tidings,
) -> None:
    await tidings.emit(make_event("user.joined", user_id="alice"))
    async with open_event_source(tidings) as stream:
        await stream.next("connected")
        await tidings.emit(make_announcement("alice", message="for you"))
        await tidings.emit(make_announcement(to={"everyone": True}, message="for all"))
        announcement = await stream.next("system_announcement")

    received = [(name, data["message"]) for name, data in stream.heard if "message" in data]
    assert received == [("notification", "for you"), ("system_announcement", "for all")]
    assert announcement["type"] == "info"


async def test_r6_a_returning_page_does_not_receive_what_was_read_or_deleted_meanwhile(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("ERR_", "Failed to load")
    async with run_web(chosen) as edge:
        page = await until_connected(await open_hook(visitor, tmp_path, url=edge.url))
        await tidings.emit(*assign("seen"))
        await expect_list(page, "seen", unread=1)
    await tidings.emit(*assign("read", "deleted", "missed"))
    await tidings.wait_for_counts("alice", total=4)
    ids = await find_ids(tidings)
    await request_as_alice(tidings, "PATCH", f"/notifications/{ids['read']}/read")
    await request_as_alice(tidings, "DELETE", f"/notifications/{ids['deleted']}")

    async with run_web(chosen, port=edge.url.rpartition(":")[2]):
        await expect_list(page, "missed", "seen", unread=2)
        await tidings.emit(*assign("live"))
        await expect_list(page, "live", "missed", "seen", unread=3)
        await page.close()


async def test_r6_a_stream_lost_right_after_connected_gets_all_that_is_unread_once(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    async with open_event_source(tidings) as stream:
        await stream.next("connected")
        assert stream.last is None
    await tidings.emit(*assign("read", "missed"))
    await tidings.wait_for_counts("alice", total=2)
    ids = await find_ids(tidings)
    await request_as_alice(tidings, "PATCH", f"/notifications/{ids['read']}/read")

    page = await until_connected(await open_hook(visitor, tmp_path / "first"))
    await expect_list(page, "missed", unread=1)
    await page.close()
    again = await until_connected(await open_hook(visitor, tmp_path / "second"))
    await tidings.emit(*assign("live"))
    await expect_list(again, "live", unread=1)


async def test_a_page_whose_token_expires_stops_and_comes_back_with_a_new_one(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    visitor.expected_errors = ("401",)
    token = tidings.token("alice", seconds=4)
    page = await until_connected(await open_snippet(visitor, tmp_path / "first", token=token))
    await tidings.emit(*assign("before"))
    await page.wait_for_function("window.badge === 1")

    await page.wait_for_function("window.opened[0].readyState === 2")
    await tidings.emit(*assign("missed"))
    again = await open_snippet(visitor, tmp_path / "second")

    await again.wait_for_function("window.badge === 1")
    assert await again.evaluate("window.shown") == [assigned("missed")]


async def test_one_tab_too_many_is_refused_and_does_not_try_for_ever(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    visitor.expected_errors = ("429",)
    limit = tidings.runtime.settings.connections_per_user
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(open_event_source(tidings)) for _ in range(limit)
        ]
        for stream in streams:
            await stream.next("connected")

        page = await open_snippet(visitor, tmp_path)

        await page.wait_for_function("window.opened[0]?.readyState === EventSource.CLOSED")
    assert await is_admitted_soon(tidings)


async def is_admitted_soon(tidings: Tidings) -> bool:
    """Return whether a new stream opens, now that the others are closed."""
    address = {"token": tidings.token("alice")}
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with tidings.http.stream(
                "GET", "/notifications/stream", params=address
            ) as response:
                if response.status_code == 200:
                    return True
            await asyncio.sleep(0.05)


async def test_a_stream_takes_a_token_from_the_header_the_address_or_the_cookie(
    tidings: Tidings,
) -> None:
    token = tidings.token("alice")
    for query, headers in (
        ("", {"Authorization": f"Bearer {token}"}),
        (f"?token={token}", {}),
        ("", {"Cookie": f"tidings_token={token}", "Origin": tidings.url}),
    ):
        async with tidings.http.stream(
            "GET", f"/notifications/stream{query}", headers=headers
        ) as response:
            assert response.status_code == 200
            assert await anext(response.aiter_lines()) == "event: connected"


async def test_a_service_creates_a_notification_and_is_answered_with_its_row(
    tidings: Tidings,
) -> None:
    body = {
        "user_id": 123,
        "title": "Task Assigned",
        "message": 'You have been assigned to task: "Build API"',
        "type": "success",
        "related_task_id": 456,
        "related_project_id": 789,
    }
    headers = {**tidings.headers("service"), "Idempotency-Key": f'"{uuid4()}"'}
    answers = [
        await tidings.http.post("/notifications/create", json=body, headers=headers)
        for _ in range(2)
    ]
    await tidings.wait_for_counts("123", total=1)
    created = answers[0].json()
    path = f"/notifications/{created['id']}"
    row = (await tidings.http.get(path, headers=tidings.headers("123"))).json()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].json() == created
    assert {**row, "created_at": None} == {**created, "created_at": None}
    assert (row["user_id"], row["type"], row["related_task_id"]) == ("123", "success", "456")


async def test_creating_needs_the_scope_and_a_valid_body(tidings: Tidings) -> None:
    body = {"user_id": "alice", "title": "-", "message": "-"}
    statuses = [
        (await tidings.http.post("/notifications/create", json=each, headers=headers)).status_code
        for each, headers in (
            (body, tidings.headers("alice", scope="inbox")),
            ({**body, "type": "loud"}, tidings.headers("service")),
            ({**body, "user_id": ""}, tidings.headers("service")),
            ({"title": "-"}, tidings.headers("service")),
        )
    ]

    assert statuses == [403, 400, 400, 400]
