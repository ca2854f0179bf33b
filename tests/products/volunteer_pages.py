"""Pages of the volunteer projects: the document's snippet and its hook, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.products.documents import VOLUNTEERS, read_document
from tests.products.pages import open_code
from tests.web.visitor import Visitor

BROWSER = """
window.shown = [];
window.Notification = class {
    static permission = "granted";
    constructor(title, options) { window.shown.push(`${title}: ${options.body}`); }
};
"""
"""The browser's notifications, as permitted by a user; each is recorded."""
SNIPPET = """
window.badge = 0;
window.log = [];
const accessToken = "set by the page";
const console = { log: (...words) => window.log.push(words), error: () => window.log.push(["-"]) };
const showNotification = (title, message) => window.shown.push(`${title}: ${message}`);
const updateUnreadCount = () => { window.badge += 1; };
"""
"""The parts that the document leaves undefined in its snippet."""
CLOSING = "// Close connection when done"
HOOK = """
import React, { createRoot } from "react";
const List = () => {
    const { notifications, unreadCount } = useNotifications("set by the page");
    window.notifications = notifications;
    return <main>
        <b id="unread">{unreadCount}</b>
        {notifications.map((it) => <p key={it.id} className={it.type}>
            {`${it.title}: ${it.message} (${new Date(it.created_at).getFullYear() > 2000})`}
        </p>)}
    </main>;
};
createRoot(document.getElementById("root")).render(<List />);
"""
"""A list of the notifications that the document's hook returns."""


async def open_snippet(visitor: Visitor, folder: Path, **options: Any) -> Page:
    """Open a page that runs the document's snippet; `window.leave` runs its last statement."""
    code = read_document(VOLUNTEERS).block("javascript", "new EventSource")
    while_open, closing, end = code.partition(CLOSING)
    whole = f"{BROWSER}{SNIPPET}{while_open}\nwindow.leave = () => {{\n{closing}{end}\n}};"
    return await open_code(visitor, folder, whole, **_given(visitor, options))


async def open_hook(visitor: Visitor, folder: Path, **options: Any) -> Page:
    """Open a page that lists the notifications that the document's hook returns."""
    code = read_document(VOLUNTEERS).block("typescript", "useNotifications")
    return await open_code(visitor, folder, BROWSER + code + HOOK, **_given(visitor, options))


async def until_connected(page: Page) -> Page:
    """Wait until the page's last stream has been opened."""
    await page.wait_for_function("window.opened.length && window.opened.at(-1).readyState === 1")
    return page


def _given(visitor: Visitor, options: dict[str, Any]) -> dict[str, Any]:
    return {"token": visitor.tidings.token("alice"), **options}
