"""Pages of the field service: its document's code, and the notifications that it describes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.builders import make_event
from tests.driver import Tidings
from tests.products.documents import FIELD_SERVICE, read_document
from tests.products.pages import open_code
from tests.products.socket_log import RECORD_SOCKETS
from tests.web.visitor import Visitor

IMPORTS = """import React, {
    createContext, createRoot, useContext, useEffect, useRef, useState, useSyncExternalStore
} from "react";
"""
OFFICE = """
let shown = { unreadCount: 0 };
const listeners = new Set();
const handleNotification = ({ data }) => {
    shown = { unreadCount: data.unread_count };
    listeners.forEach((listener) => listener());
};
const useNotifications = () => useSyncExternalStore(
    (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
    () => shown,
);
const Office = () => {
    const { isConnected } = useWebSocket();
    const state = isConnected ? "connected" : "disconnected";
    return <main className={state}><NotificationBadge /></main>;
};
createRoot(document.getElementById("root")).render(<Office />);
"""
"""The undefined parts of the office's code in the document, and a page around its badge."""
TECHNICIAN = """
const api = {
    markNotificationAsRead: async (id) => {
        const answer = await fetch(`/api/notifications/${id}/read`, { method: "PATCH" });
        if (!answer.ok) throw new Error(await answer.text());
    },
};
const List = () => {
    const { notifications, unreadCount, markAsRead } = useContext(NotificationContext);
    window.notifications = notifications;
    return <main>
        <b id="unread">{unreadCount}</b>
        {notifications.map((n) => (
            <button key={n.id} className={String(n.read)} onClick={() => markAsRead(n.id)}>
                {`${n.type}: ${n.message} (work order ${n.metadata.work_order_id} in `}
                {`${new Date(n.timestamp).getFullYear()})`}
            </button>
        ))}
    </main>;
};
createRoot(document.getElementById("root")).render(
    <NotificationProvider><List /></NotificationProvider>,
);
"""
"""The undefined parts of the technician's app in the document, and a list of notifications."""


async def open_office(
    visitor: Visitor, folder: Path, *, seconds: int = 3600, **options: Any
) -> Page:
    """Open the office's page, with a token for some seconds: the document's hook and badge."""
    signed_in = f'window.jwt = await window.token("alice", "inbox", {seconds});'
    hook = read_document(FIELD_SERVICE).block("typescript", "const useWebSocket")
    code = IMPORTS + RECORD_SOCKETS + signed_in + hook + OFFICE
    return await open_code(visitor, folder, code, token=None, **options)


async def open_technician(visitor: Visitor, folder: Path, **options: Any) -> Page:
    """Open the technician's app: the document's provider; its requests carry the cookie."""
    code = read_document(FIELD_SERVICE).block("typescript", "NotificationProvider")
    token = visitor.tidings.token("alice")
    await visitor.context.add_cookies(
        [{"name": "tidings_token", "value": token, "url": visitor.tidings.url}]
    )
    given = {"token": token, **options}
    return await open_code(visitor, folder, IMPORTS + RECORD_SOCKETS + code + TECHNICIAN, **given)


async def update_work_orders(tidings: Tidings, *statuses: str, **more: Any) -> None:
    """Set the status of work order 12; Alice is the office."""
    office = make_event(
        "role.granted", identifier=f"{tidings.tenant}-office", user_id="alice", role="office"
    )
    updates = [
        make_event("work_order.updated", work_order_id="12", status=status, **more)
        for status in statuses
    ]
    await tidings.emit(office, *updates)


async def expect_rows(page: Page, *messages: str, unread: int) -> None:
    """Expect these messages in the technician's list, under distinct ids, and this badge."""
    await expect(page.locator("#unread")).to_have_text(str(unread))
    await expect(page.locator("button")).to_have_text([re.compile(text) for text in messages])
    ids = await page.evaluate("window.notifications.map(({ id }) => id)")
    assert len({*ids}) == len(messages)


def documented_fields() -> dict[str, str]:
    """Return the fields of the document's `Notification` and their annotations."""
    module = ast.parse(read_document(FIELD_SERVICE).block("python", "@dataclass"))
    [fields] = [
        node.body
        for node in module.body
        if isinstance(node, ast.ClassDef) and node.name == "Notification"
    ]
    return {
        ast.unparse(field.target): ast.unparse(field.annotation)
        for field in fields
        if isinstance(field, ast.AnnAssign)
    }


def documented_types() -> dict[str, str]:
    """Return the document's `NotificationType`: its names and values."""
    module = ast.parse(read_document(FIELD_SERVICE).block("python", "@dataclass"))
    [members] = [
        node.body
        for node in module.body
        if isinstance(node, ast.ClassDef) and node.name == "NotificationType"
    ]
    return {
        ast.unparse(member.targets[0]): ast.literal_eval(member.value)
        for member in members
        if isinstance(member, ast.Assign)
    }


def documented_notifications(**arguments: Any) -> dict[str, dict[str, Any]]:
    """Return the notifications of the document's `handle_work_order_update`, by type."""
    module = ast.parse(read_document(FIELD_SERVICE).block("python", "handle_work_order_update"))
    calls = [
        {keyword.arg: keyword.value for keyword in node.keywords}
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Notification"
    ]
    types = documented_types()
    return {
        types[ast.unparse(call["type"]).removeprefix("NotificationType.")]: {
            name: eval(compile(ast.Expression(call[name]), FIELD_SERVICE, "eval"), {}, arguments)
            for name in ("message", "priority", "metadata")
        }
        for call in calls
    }


def check_field(annotation: str, value: Any) -> None:
    """Check a field of a notification that has arrived against the document's annotation."""
    match annotation:
        case "str":
            assert isinstance(value, str) and value
        case "NotificationType":
            assert value in documented_types().values()
        case "datetime":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value)
        case "int":
            assert value in (1, 2, 3)
        case "bool":
            assert isinstance(value, bool)
        case "Optional[Dict]":
            assert isinstance(value, dict)
        case _:
            assert annotation == "Optional[List[str]]" and value == ["alice"]
