"""Pages of the chat: its document's client and hook, and the frames that the document shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.builders import make_message_posted, make_room_joins
from tests.driver import Tidings
from tests.products.documents import CHAT, read_document
from tests.products.pages import open_code
from tests.products.socket_log import RECORD_SOCKETS
from tests.web.visitor import Visitor

USAGE = "// Usage example"
DESKTOP = """
window.desktop = [];
window.rows = [];
window.updates = [];
window.said = [];
for (const level of ["log", "error"]) {
    const native = console[level];
    console[level] = (...words) => { window.said.push(String(words[0])); native(...words); };
}
window.Notification = class {
    static permission = "granted";
    constructor(title, options) { window.desktop.push({ title, ...options }); }
};
"""
"""Code that precedes the document's: the browser's notifications and console, recorded."""
PAGE = """
window.client = notificationClient;
notificationClient.updateNotificationUI = (it) => window.rows.push(it);
notificationClient.onNotificationUpdate = (it) => window.updates.push(it);
"""
"""The parts of the client that the document leaves to the page."""
LISTENED = """
const connect = client.connect.bind(client);
client.connect = () => {
    connect();
    client.ws.addEventListener("open", () => setConnected(true));
    client.ws.addEventListener("close", () => setConnected(false));
};
"""
"""Mends the hook, which sets handlers on `client.ws` while that is null."""
BELL = """
import React, { createRoot } from "react";
const Bell = () => {
    const { notifications, unreadCount, connected, markAsRead } = useNotifications(jwt);
    window.notifications = notifications;
    return <main className={connected ? "connected" : "disconnected"}>
        <b id="unread">{unreadCount}</b>
        {notifications.map((it) => (
            <button key={it.notification_id} onClick={() => markAsRead(it.notification_id)}>
                {it.message}
            </button>
        ))}
    </main>;
};
createRoot(document.getElementById("root")).render(<Bell />);
"""


async def open_client(
    visitor: Visitor, folder: Path, *, seconds: int = 3600, **options: Any
) -> Page:
    """Open a page with the document's client and its usage example, with a token of Alice."""
    token = f'await window.token("alice", "inbox", {seconds})'
    signed_in = f'localStorage.setItem("jwt_token", {token});'
    client = read_document(CHAT).block("javascript", USAGE)
    code = signed_in + RECORD_SOCKETS + DESKTOP + client + PAGE
    return await _open(visitor, folder, code, **options)


async def open_hook(visitor: Visitor, folder: Path, **options: Any) -> Page:
    """Open a page with the document's React hook, signed in as Alice."""
    jwt = f"const jwt = {json.dumps(visitor.tidings.token('alice'))};"
    return await _open(
        visitor, folder, RECORD_SOCKETS + DESKTOP + jwt + hook_code() + BELL, **options
    )


def hook_code() -> str:
    """Return the document's client and its React hook, mended."""
    client, _, _ = read_document(CHAT).block("javascript", USAGE).partition(USAGE)
    hook, mended = re.subn(
        r"\n *client\.ws\.onopen = .*\n *client\.ws\.onclose = .*\n",
        lambda _: LISTENED,
        read_document(CHAT).block("javascript", "function useNotifications"),
    )
    assert mended == 1
    return client + hook


async def _open(visitor: Visitor, folder: Path, code: str, **options: Any) -> Page:
    visitor.expected_errors = ("404", *visitor.expected_errors)  # its sound is not there
    return await open_code(visitor, folder, code, token=None, **options)


async def post_messages(tidings: Tidings, *texts: str) -> None:
    """Post messages of Bob in a room of which Alice is a member."""
    await tidings.emit(
        *make_room_joins("alice", "bob", key=tidings.tenant),
        *(make_message_posted("bob", text) for text in texts),
    )


async def expect_rows(page: Page, *messages: str, unread: int) -> None:
    """Expect these messages in the list of the hook, under distinct ids, and this badge."""
    await expect(page.locator("button")).to_have_text([*messages])
    await expect(page.locator("#unread")).to_have_text(str(unread))
    ids = await page.evaluate("window.notifications.map((it) => it.notification_id)")
    assert len({*ids}) == len(messages)


async def expect_badge(page: Page, unread: int) -> None:
    """Expect this number in the client's badge, which is empty without unread notifications."""
    await expect(page.locator("#notification-badge")).to_have_text(str(unread or ""))


def documented_frames() -> dict[str, dict[str, Any]]:
    """Return the JSON examples of the document by their types; of `pong`, the response."""
    examples = [json.loads(code) for code in read_document(CHAT).blocks("json")]
    return {example["type"]: example for example in examples}


def documented_session() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the requests of the document's `wscat` session and their answers."""
    session = read_document(CHAT).block("bash", "wscat")
    sent = re.findall(r"^> (.*)$", session, re.MULTILINE)
    answers = re.findall(r"^< (.*)$", session, re.MULTILINE)
    return [(json.loads(one), json.loads(other)) for one, other in zip(sent, answers, strict=True)]


def check_example(frame: dict[str, Any], **more: type) -> None:
    """Check a frame against the example of its type: the fields, their kinds, their values."""
    example = documented_frames()[frame["type"]]
    kinds = {name: type(value) for name, value in example.get("data", {}).items()} | more
    data = frame.get("data", {})
    assert frame.keys() == example.keys()
    assert {name: type(value) for name, value in data.items()} == kinds
    for name, value in example.get("data", {}).items():
        if name == "timestamp":
            assert re.sub(r"\d", "0", data[name]) == re.sub(r"\d", "0", value)
        if name in ("notification_type", "status"):
            assert data[name] == value
