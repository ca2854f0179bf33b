"""The sockets of pages: their record in the page, its clock, and refused handshakes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.driver import WAIT_SECONDS, Tidings

RECORD_SOCKETS = """
const Recorded = window.WebSocket;
window.opens = 0;
window.closes = [];
window.frames = [];
window.WebSocket = class extends Recorded {
    constructor(url, options) {
        super(window.jwt ? `${url}?token=${window.jwt}` : url, options);
        this.addEventListener("open", () => { window.opens += 1; });
        this.addEventListener("close", ({ code }) => window.closes.push(code));
        this.addEventListener("message", ({ data }) => window.frames.push(JSON.parse(data)));
    }
};
"""
"""Code that precedes a product's code: counts opens, and lists close codes and frames.

It adds the token `window.jwt` to the address if there is one.
"""

STEP_MILLISECONDS = 1000


async def advance_until(page: Page, condition: str) -> None:
    """Move the clock of a page on until a condition holds; the page needs a frozen clock."""
    async with asyncio.timeout(2 * WAIT_SECONDS):
        while not await page.evaluate(condition):
            await page.clock.run_for(STEP_MILLISECONDS)
            await asyncio.sleep(0.05)


async def wait_until_caught_up(page: Page) -> None:
    """Wait until a page has received a frame: the count that follows a replay."""
    await page.wait_for_function("window.frames?.length > 0")


async def stop_clock(page: Page) -> None:
    """Stop the clock of a page; from now on it only moves by `advance_until`."""
    now = await page.evaluate("Date.now()") / 1000
    await page.clock.pause_at(datetime.fromtimestamp(now, UTC) + timedelta(milliseconds=100))


async def drop_socket(page: Page) -> None:
    """Close the page's newest socket as the network would, and stop its clock."""
    await stop_clock(page)
    await page.evaluate("window.opened.at(-1).close(4000)")
    await page.wait_for_function("window.opened.at(-1).readyState === 3")


async def read_handshake_status(tidings: Tidings, path: str, token: str) -> int:
    """Open a WebSocket with a token in its address, and return the status of the handshake."""
    address = f"{tidings.url.replace('http', 'ws')}{path}?token={token}"
    try:
        async with connect(address):
            return 101
    except InvalidStatus as status:
        return status.response.status_code
