"""One import changed: the same component, over the document's own hook and over Tidings'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.builders import make_announcement, make_event, make_message_posted, make_room_joins
from tests.driver import Tidings
from tests.products.chat_pages import hook_code
from tests.products.documents import FIELD_SERVICE, VOLUNTEERS, read_document
from tests.products.field_service_pages import (
    IMPORTS,
    TECHNICIAN,
    expect_rows,
    update_work_orders,
)
from tests.products.pages import open_code
from tests.web.visitor import Visitor

SHOWN = """
import React, { createRoot } from "react";
const Shown = () => {
    const result = useNotifications(jwt);
    window.result = result;
    const mark = () => result.markAsRead(result.notifications[0].notification_id);
    return <button onClick={mark}>{result.unreadCount}</button>;
};
createRoot(document.getElementById("root")).render(<Shown />);
"""
"""A component that shows the unread count, and marks the newest notification as read."""
BADGE = """
import React, { createRoot } from "react";
const Office = () => {
    const { isConnected, socket } = useWebSocket();
    window.socket = socket;
    return <main className={isConnected ? "connected" : ""}><NotificationBadge /></main>;
};
createRoot(document.getElementById("root")).render(<Office />);
"""
"""The office's page around the document's badge."""


async def open_component(
    visitor: Visitor, folder: Path, hook: str, component: str = SHOWN, **modules: str
) -> Page:
    """Open a component over the code of a hook, or over the import of ours, as Alice.

    The document's own sockets get a token in their address.
    """
    token = visitor.tidings.token("alice")
    code = f"const jwt = {json.dumps(token)};" + hook + component
    given = None if modules else token
    return await open_code(visitor, folder, code, token=given, modules=modules)


async def add_cookie(visitor: Visitor) -> None:
    """Sign in as Alice with a cookie, as a page does whose hooks take no token."""
    token = visitor.tidings.token("alice")
    await visitor.context.add_cookies(
        [{"name": "tidings_token", "value": token, "url": visitor.tidings.url}]
    )


async def read_notifications(page: Page, count: int) -> list[dict[str, Any]]:
    """Wait until the hook has this many notifications, and return them."""
    await page.wait_for_function(f"window.result?.notifications.length === {count}")
    return await page.evaluate("window.result.notifications")


def assert_same(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    """Check that our notifications have their fields with their values."""
    assert [{name: row.get(name) for name in theirs[0]} for row in ours] == theirs


async def test_the_chats_hook_can_be_replaced_by_one_import(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    visitor.expected_errors = ("404",)  # the document's client plays a sound that is not there
    pages = [
        await open_component(visitor, tmp_path / "theirs", hook_code()),
        await open_component(
            visitor,
            tmp_path / "ours",
            'import { useNotifications } from "@/hooks/useNotifications";',
            **{"@/hooks/useNotifications": "tidings-web/react/chat.js"},
        ),
    ]
    for page in pages:
        await page.wait_for_function("window.result?.connected")
    await tidings.emit(
        *make_room_joins("alice", "bob", key=tidings.tenant),
        make_message_posted("bob", "Lunch?"),
        make_message_posted("bob", "At one?"),
    )
    theirs, ours = [await read_notifications(page, 2) for page in pages]
    for page in pages:
        await expect(page.get_by_role("button")).to_have_text("2")

    assert_same(theirs, ours)
    await pages[1].get_by_role("button").click()
    for page in pages:
        await expect(page.get_by_role("button")).to_have_text("1")
    names = [{*await page.evaluate("Object.keys(window.result)")} for page in pages]
    assert names[0] <= names[1]


async def test_the_volunteers_hook_can_be_replaced_by_one_import(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    document = read_document(VOLUNTEERS).block("typescript", "function useNotifications")
    pages = [
        await open_component(visitor, tmp_path / "theirs", document),
        await open_component(
            visitor,
            tmp_path / "ours",
            'import { useNotifications } from "@/hooks";',
            **{"@/hooks": "tidings-web/react/volunteers.js"},
        ),
    ]
    await pages[0].wait_for_function("window.opened[0].readyState === 1")
    await tidings.emit(
        make_event("task.assigned", task_id="7", task_title="Paint", user_id="alice"),
        make_announcement("alice", title="Keys are at the office"),
    )
    theirs, ours = [await read_notifications(page, 2) for page in pages]
    for page in pages:
        await expect(page.get_by_role("button")).to_have_text("2")

    assert_same(theirs, ours)
    names = [{*await page.evaluate("Object.keys(window.result)")} for page in pages]
    assert names[0] <= names[1]


async def test_the_offices_badge_works_over_our_hooks(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    await add_cookie(visitor)
    code = read_document(FIELD_SERVICE).block("typescript", "const NotificationBadge")
    badge = code[code.index("// Notification Badge") :]
    page = await open_component(
        visitor,
        tmp_path,
        'import { useNotifications, useWebSocket } from "@/hooks";' + badge,
        BADGE,
        **{"@/hooks": "tidings-web/react/field-service.js"},
    )
    await expect(page.locator("main.connected")).to_have_count(1)
    await update_work_orders(tidings, "open", "done")

    await expect(page.locator(".badge")).to_have_text("2")
    assert await page.evaluate("window.socket.readyState") == 1
    await page.evaluate("window.socket.close()")
    await expect(page.locator("main.connected")).to_have_count(0)


async def test_the_technicians_provider_can_be_replaced_by_one_import(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    await add_cookie(visitor)
    page = await open_component(
        visitor,
        tmp_path,
        'import { NotificationContext, NotificationProvider } from "@/notifications";',
        IMPORTS + TECHNICIAN,
        **{"@/notifications": "tidings-web/react/field-service.js"},
    )
    await update_work_orders(tidings, "open", "done")
    await expect_rows(page, "open .*order 12 in", "done .*order 12 in", unread=2)

    await page.get_by_role("button").first.click()

    await expect(page.locator("button.true")).to_have_count(1)
    await expect(page.locator("#unread")).to_have_text("1")
    await tidings.wait_for_counts("alice", unread=1)
