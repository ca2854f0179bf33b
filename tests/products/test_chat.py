"""The chat's own code, taken out of its document, on Tidings."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import expect
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import CHAT as PATH
from tests.acceptance.frontends import open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.products.chat_pages import (
    check_example,
    documented_frames,
    documented_session,
    expect_badge,
    expect_rows,
    open_client,
    open_hook,
    post_messages,
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


async def test_every_example_of_the_document_is_what_arrives(tidings: Tidings) -> None:
    assert documented_frames().keys() == {
        *("ping", "get_unread_count", "mark_read"),
        *("pong", "notification", "unread_count", "notification_update"),
    }
    async with open_front_end(tidings, PATH) as page:
        await post_messages(tidings, "Hello there")
        notification = await page.next("notification")
        check_example(notification, notification_id=str)
        await page.send(documented_frames()["get_unread_count"])
        counted = [await page.next("unread_count") for _ in range(2)]
        await page.send(
            {
                **documented_frames()["mark_read"],
                "notification_id": notification["data"]["notification_id"],
            }
        )
        update = await page.next("notification_update")
        await page.send(documented_frames()["ping"])

        check_example(update)
        check_example(await page.next("pong"))
        for frame in counted:
            check_example(frame)
    assert notification["data"]["title"] == "New message from Bob"
    assert notification["data"]["message"] == "Bob: Hello there"
    assert (notification["data"]["room_id"], notification["data"]["sender_id"]) == ("9", "bob")


async def test_the_documents_wscat_session_gets_its_answers(tidings: Tidings) -> None:
    async with open_front_end(tidings, PATH) as page:
        for request, answer in documented_session():
            await page.send(request)

            assert await page.next(answer["type"]) == answer


async def test_a_message_shows_its_first_hundred_characters(tidings: Tidings) -> None:
    async with open_front_end(tidings, PATH) as page:
        await post_messages(tidings, "x" * 150)
        message = (await page.next("notification"))["data"]["message"]

    assert message == f"Bob: {'x' * 100}"


async def test_the_status_is_read_delivered_or_deleted_and_the_count_follows_each_change(
    tidings: Tidings,
) -> None:
    marks = ("read", "unread", "archived", "unarchived", "deleted")
    async with open_front_end(tidings, PATH) as page:
        await post_messages(tidings, "Lunch?")
        identifier = (await page.next("notification"))["data"]["notification_id"]
        await page.next("unread_count")
        counts = list[int]()
        for state in marks:
            await tidings.http.post(
                "/v1/notifications/mark",
                json={"state": state, "ids": [identifier]},
                headers=tidings.headers("alice"),
            )
            counts.append((await page.next("unread_count"))["data"]["count"])
        updates = [frame for frame in page.heard if frame["type"] == "notification_update"]

    assert [update["data"]["status"] for update in updates] == [
        *("read", "delivered", "deleted", "deleted"),
    ]
    assert counts == [0, 1, 0, 1, 0]


async def test_the_type_of_a_notification_by_no_message_is_documented_too(
    tidings: Tidings,
) -> None:
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(
            make_announcement("alice", title="Closed on Monday"),
            make_event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
        )
        found = [(await page.next("notification"))["data"] for _ in range(2)]

    example = documented_frames()["notification"]["data"]
    assert [each.keys() - {"notification_id"} for each in found] == [example.keys()] * 2
    assert {each["notification_type"] for each in found} == {example["notification_type"]}
    assert {each["room_id"] for each in found} == {None}


async def test_the_client_shows_each_message_and_its_badge_falls_in_every_tab(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    tabs = [await open_client(visitor, tmp_path / name) for name in ("first", "second")]
    for tab in tabs:
        await wait_until_caught_up(tab)
    await post_messages(tidings, "one", "two", "three")
    await tidings.emit(make_announcement("alice", title="Closed on Monday", message="All day"))
    for tab in tabs:
        await tab.wait_for_function("window.rows?.length === 4")
        await expect_badge(tab, 4)
    rows = await tabs[0].evaluate("window.rows")
    desktop = await tabs[0].evaluate("window.desktop")
    await tabs[1].evaluate("client.markNotificationAsRead(window.rows[0].notification_id)")

    for tab in tabs:
        await expect_badge(tab, 3)
        await tab.wait_for_function("window.updates?.length === 1")
    assert [each["message"] for each in rows[:3]] == ["Bob: one", "Bob: two", "Bob: three"]
    assert len({each["tag"] for each in desktop}) == 4
    assert await tabs[0].evaluate("window.updates") == [
        {"notification_id": rows[0]["notification_id"], "status": "read"}
    ]


async def test_three_missed_messages_are_three_rows_and_a_badge_of_three(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await open_hook(visitor, tmp_path / "first", frozen_clock=True)
    await expect(page.locator("main.connected")).to_have_count(1)
    await expect_rows(page, unread=0)
    await drop_socket(page)
    await page.close()
    await post_messages(tidings, "one", "two", "three")
    await tidings.wait_for_counts("alice", unread=3)
    page = await open_hook(visitor, tmp_path / "second")
    await expect_rows(page, "Bob: three", "Bob: two", "Bob: one", unread=3)
    await page.get_by_text("two").click()
    await expect_rows(page, "Bob: three", "Bob: two", "Bob: one", unread=2)
    await post_messages(tidings, "four")
    await expect_rows(page, "Bob: four", "Bob: three", "Bob: two", "Bob: one", unread=3)


async def test_a_page_that_loses_its_connection_gets_what_it_missed_once(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await open_client(visitor, tmp_path, frozen_clock=True)
    await post_messages(tidings, "one")
    await page.wait_for_function("window.rows?.length === 1")
    await drop_socket(page)
    await post_messages(tidings, "two", "three")
    await tidings.wait_for_counts("alice", unread=3)
    await advance_until(page, "window.opens === 2")

    await page.wait_for_function("window.rows?.length === 3")
    await expect_badge(page, 3)
    ids = await page.evaluate("window.rows.map((it) => it.notification_id)")
    assert len({*ids}) == 3


async def test_the_heartbeat_of_the_client_is_answered(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await open_client(visitor, tmp_path, frozen_clock=True)
    await page.wait_for_function("window.opens === 1")

    await advance_until(page, "window.said?.includes('Received heartbeat pong')")

    assert {"type": "pong"} in await page.evaluate("window.frames")


async def test_an_expired_token_ends_the_client_after_its_five_attempts(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    visitor.expected_errors = ("WebSocket", "Max reconnection")
    page = await open_client(visitor, tmp_path, seconds=4, frozen_clock=True)
    await page.wait_for_function("window.closes?.length === 1")

    await advance_until(page, "window.said?.includes('Max reconnection attempts reached')")

    assert await page.evaluate("window.closes") == [4002, *[1006] * 5]
    assert await page.evaluate("window.opens") == 1


async def test_a_sixth_tab_gives_up_after_its_five_attempts(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "Max reconnection")
    async with AsyncExitStack() as stack:
        for _ in range(chosen.connections_per_user):
            await (await stack.enter_async_context(open_front_end(tidings, PATH))).read_pending()
        page = await open_client(visitor, tmp_path, frozen_clock=True)
        await advance_until(page, "window.said?.includes('Max reconnection attempts reached')")

        assert await page.evaluate("window.closes") == [1006] * 6
        assert await page.evaluate("window.opens") == 0


async def test_a_page_survives_a_restart_of_the_server(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket",)
    async with run_web(chosen) as edge:
        port = int(edge.url.rpartition(":")[2])
        page = await open_client(visitor, tmp_path, url=edge.url, frozen_clock=True)
        await post_messages(tidings, "one")
        await page.wait_for_function("window.rows?.length === 1")
        await stop_clock(page)
    await post_messages(tidings, "two")
    async with run_web(chosen, port=port):
        await advance_until(page, "window.opens === 2")
        await page.wait_for_function("window.rows?.length === 2")
        await expect_badge(page, 2)
        await page.close()


async def test_a_page_is_refused_with_an_http_status_and_never_accepted(tidings: Tidings) -> None:
    tokens = ("", "forged", tidings.token("alice", scope="emit"))
    statuses = [await read_handshake_status(tidings, PATH, token) for token in tokens]

    assert statuses == [401, 401, 403]
