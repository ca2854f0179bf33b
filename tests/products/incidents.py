"""The examples of the incidents' document, read at run time; and its pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.builders import make_event
from tests.products.documents import INCIDENTS, Document, read_document
from tests.products.pages import open_code
from tests.web.visitor import Visitor

NUMBER = "INC-2024-001"
HOOK = "@/hooks/use-notification-websocket"
MODULES = {HOOK: "tidings-web/react/incidents.js"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
HEADER = """import React, { createRoot, useState } from "react";
window.toasts = [];
window.unread = [];
const toast = { info: (text) => window.toasts.push(text) };
const setUnreadCount = (count) => window.unread.push(count);
"""
"""The parts that the document's component leaves undefined."""
MOUNT = """
createRoot(document.getElementById("root")).render(<MyComponent />);
"""
PROBE = f"""import React, {{ createRoot }} from "react";
import {{ useNotificationWebSocket }} from "{HOOK}";
window.calls = [];
window.states = [];
window.attempts = [];
Math.random = () => 1 - Number.EPSILON;
const Counted = window.WebSocket;
window.WebSocket = class extends Counted {{
    constructor(url, options) {{
        super(url, options);
        window.attempts.push(Date.now());
    }}
}};
const recorders = (names) => Object.fromEntries(
    names.map((name) => [name, (value) => window.calls.push([name, value])]),
);
const Probe = ({{ names, options }}) => {{
    window.shown = useNotificationWebSocket({{ ...recorders(names), ...options }});
    const {{ connectionState }} = window.shown;
    if (window.states.at(-1) !== connectionState) window.states.push(connectionState);
    return <b>{{connectionState}}</b>;
}};
window.mount = (names, options) => createRoot(document.getElementById("root")).render(
    <Probe names={{names}} options={{options}} />,
);
"""
"""A component that shows the result of the hook and records its callbacks."""


def document() -> Document:
    """Return the document; skips the test where it is absent."""
    return read_document(INCIDENTS)


def printed_frames() -> list[dict[str, Any]]:
    """Return the JSON objects under "Message Format": the server's frame and the client's."""
    text = re.sub(r"^//.*$", "", document().block("typescript", "// Server message"), flags=re.M)
    found, decoder = list[dict[str, Any]](), json.JSONDecoder()
    while text := text.strip():
        frame, end = decoder.raw_decode(text)
        found.append(frame)
        text = text[end:]
    return found


def printed_keys(cell: str) -> set[str] | None:
    """Return the keys that a cell such as `{ user_id, timestamp }` lists, None for a name."""
    match = re.fullmatch(r"\{ (.*) \}", cell)
    return {*match[1].split(", ")} if match else None


def printed_stats() -> set[str]:
    """Return the keys of the statistics that the document prints."""
    [text] = re.findall(r"stats=\{(.*)\}", document().text)
    return {*re.findall(r'"(\w+)":', text)}


def incident_event(type_: str = "incident.created", **more: Any) -> dict[str, Any]:
    """Return an event of the incident in the document's example."""
    responders = {"responders": ["alice"], "title": "Fire"} if type_ == "incident.created" else {}
    return make_event(type_, incident_id="i-1", number=NUMBER, **responders, **more)


async def sign_in(visitor: Visitor, user: str = "alice", **more: Any) -> None:
    """Give the visitor's pages the cookie with a token."""
    token = visitor.tidings.token(user, **more)
    cookie: Any = {"name": "tidings_token", "value": token, "url": visitor.tidings.url}
    await visitor.context.add_cookies([cookie])


async def open_component(visitor: Visitor, folder: Path, **options: Any) -> Page:
    """Open a page with the document's `MyComponent`."""
    code = document().block("typescript", "function MyComponent")
    page = await open_code(
        visitor, folder, HEADER + code + MOUNT, token=None, modules=MODULES, **options
    )
    await page.wait_for_function("Array.isArray(window.unread)")
    return page


async def open_probe(
    visitor: Visitor,
    folder: Path,
    callbacks: list[str],
    *,
    url: str | None = None,
    frozen_clock: bool = False,
    **options: Any,
) -> Page:
    """Open a page that shows the hook's result and records these callbacks.

    Random pauses have their greatest length; `window.attempts` has the time of each socket.
    """
    page = await open_code(
        visitor,
        folder,
        PROBE,
        token=None,
        modules=MODULES,
        url=url,
        frozen_clock=frozen_clock,
    )
    await page.wait_for_function("typeof window.mount === 'function'")
    await page.evaluate("([names, options]) => mount(names, options)", [callbacks, options])
    return page


async def expect_state(page: Page, state: str, timeout: float = 15_000) -> None:
    """Expect the state that the document's component shows."""
    await expect(page.locator("#root div")).to_contain_text(f"Status: {state}", timeout=timeout)
