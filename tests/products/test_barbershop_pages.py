"""The barbershop's component, taken out of its document, with our hook in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import BARBERSHOP as PATH
from tests.acceptance.frontends import open_front_end
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.products.barbershop import APPOINTMENT, EXAMPLES, add_staff, run_examples
from tests.products.documents import BARBERSHOP, read_document
from tests.products.pages import open_code
from tests.web.visitor import Visitor
from tests.web_processes import run_web

HOOK = {"@/hooks/useWebSocket": "tidings-web/react/barbershop.js"}
COMPONENT_IMPORTS = 'import React, { createRoot, useEffect } from "react";\n'
RECORDER = """
import React, { createRoot } from "react";
import { useWebSocket } from "@/hooks/useWebSocket";
window.frames = [];
const Recorder = () => {
    const { isConnected, sendMessage } = useWebSocket({
        onMessage: (frame) => window.frames.push(frame),
    });
    window.sendMessage = sendMessage;
    return <main className={String(isConnected)} />;
};
createRoot(document.getElementById("root")).render(<Recorder />);
"""
MOUNT = '\ncreateRoot(document.getElementById("root")).render(<MyComponent />);\n'


async def sign_in(visitor: Visitor, url: str) -> None:
    """Set the cookie by which an edge identifies Alice."""
    token = visitor.tidings.token("alice")
    await visitor.context.add_cookies([{"name": "tidings_token", "value": token, "url": url}])


async def open_component(visitor: Visitor, folder: Path, *, url: str | None = None) -> Page:
    """Open a page with the document's component, signed in as Alice."""
    code = read_document(BARBERSHOP).block("typescript", "MyComponent")
    await sign_in(visitor, url or visitor.tidings.url)
    return await open_code(
        visitor, folder, COMPONENT_IMPORTS + code + MOUNT, token=None, modules=HOOK, url=url
    )


async def test_the_documents_component_shows_its_state_and_is_notified_after_it_subscribed(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    page = await open_component(visitor, tmp_path)
    await expect(page.locator("#root")).to_contain_text("Status: connected")

    await page.get_by_role("button", name="Subscribe").click()
    async with page.expect_console_message(
        lambda message: message.text.startswith("New notification:")
    ) as callback:
        await tidings.emit(make_event("appointment.booked", **APPOINTMENT))
    [_, data] = [await value.json_value() for value in (await callback.value).args]

    assert (data["type"], data["client_name"]) == ("new_booking", "Noor")


async def test_the_hook_passes_on_the_frames_of_the_socket_word_for_word(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    await add_staff(tidings, "5", "alice")
    await sign_in(visitor, tidings.url)
    page = await open_code(visitor, tmp_path, RECORDER, token=None, modules=HOOK)
    await expect(page.locator("main.true")).to_have_count(1)
    async with open_front_end(tidings, PATH) as socket:
        await run_examples(tidings)
        events = [(type_, data) for type_, data, _, _ in EXAMPLES]
        await tidings.emit(*(make_event(type_, **data) for type_, data in events))
        await socket.read_until("notification", count=3 + len(EXAMPLES))
        requests = [
            {"type": "subscribe", "event_type": "performance_updates"},
            {"type": "subscribe"},
            {"type": "ping"},
        ]
        for frame in requests:
            await socket.send(frame)
        await socket.next("pong")
    await page.wait_for_function(f"frames.length >= {len(socket.heard) - len(requests)}")
    await page.evaluate("(requests) => requests.forEach((each) => sendMessage(each))", requests)
    await page.wait_for_function("frames.at(-1).type === 'pong'")

    assert without_times(await page.evaluate("frames")) == without_times(socket.heard)


def without_times(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return frames without what differs: when a frame was sent, and the words of an error."""
    sent_now = {"connection", "subscribed", "pong", "error"}
    return [
        {
            name: value
            for name, value in frame.items()
            if not (frame["type"] in sent_now and name in ("timestamp", "data"))
        }
        for frame in frames
    ]


async def test_the_component_reconnects_when_the_server_has_restarted(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "ERR_CONNECTION_REFUSED", "Failed to fetch")
    async with run_web(chosen) as edge:
        port = int(edge.url.rpartition(":")[2])
        page = await open_component(visitor, tmp_path, url=edge.url)
        await expect(page.locator("#root")).to_contain_text("Status: connected")
    await expect(page.locator("#root")).not_to_contain_text("Status: connected")
    async with run_web(chosen, port=port):
        await expect(page.locator("#root")).to_contain_text("Status: connected")
        async with page.expect_console_message(
            lambda message: message.text.startswith("New notification:")
        ):
            await tidings.emit(make_announcement("alice"))
        await page.close()
