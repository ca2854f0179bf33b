"""The page of the mailbox: shows mails as they come, and runs and loads nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, expect

from tests.services.mailbox.running import RunningMailbox
from tests.web.conftest import chromium as chromium
from tests.web.desk import Desk

EVIL = """Subject: <script>alert(1)</script>\r
Content-Type: text/html; charset=utf-8\r
\r
<meta http-equiv=refresh content="0;url=HERE/refresh">
<link rel=stylesheet href=HERE/css><link rel=prefetch href=HERE/prefetch>
<link rel=preload as=image href=HERE/preload><link rel=preconnect href=HERE>
<style>@import "HERE/import"; body { background: url(HERE/background) }</style>
<p id=seen>Read me</p><script>document.title='ran'</script><script src=HERE/script></script>
<img src=HERE/img onerror="document.title='ran'"><svg><image href=HERE/svg /></svg>
<iframe src=HERE/frame></iframe><object data=HERE/object></object><video src=HERE/video></video>
<a href=HERE/link>Open</a>\r
"""


async def test_its_page_shows_mails_as_they_come_and_runs_nothing_of_them(
    mailbox: RunningMailbox, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 320, "height": 640})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(mailbox.addresses.url)
    await expect(page.get_by_text("No mail yet.")).to_be_visible()

    async with counted_connections() as (outside, connections):
        await mailbox.send(EVIL.replace("HERE", outside).encode())
        row = page.get_by_role("button", name="Unread: <script>alert(1)</script>")
        await row.click()
        frame = page.frame_locator("#html")
        await expect(frame.locator("#seen")).to_have_text("Read me")
        await expect(page.get_by_role("heading", level=2)).to_have_text("<script>alert(1)</script>")
        assert await page.title() == "Mailbox · Tidings"
        assert connections == []

    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="<script>alert(1)</script>")).to_be_focused()
    await expect(row).to_have_count(0)
    await page.close()
    assert errors == []


async def test_its_page_is_used_by_keys_and_read_by_all(
    mailbox: RunningMailbox, chromium: Browser
) -> None:
    context = await chromium.new_context(bypass_csp=True)  # axe is put into the page
    page = await context.new_page()
    await page.goto(mailbox.addresses.url)
    for subject in (b"First", b"Second"):
        await mailbox.send(b"Subject: %b\r\n\r\nx" % subject)
    heading = page.get_by_role("heading", level=2)
    await expect(page.get_by_role("listitem")).to_have_count(2)

    for key, subject in (("j", "Second"), ("j", "First"), ("k", "Second")):
        await page.keyboard.press(key)
        await expect(heading).to_have_text(subject)
    assert await Desk(page).accessibility_faults() == []
    await page.get_by_label("Find").fill("first")
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await page.get_by_role("button", name="Delete all").click()
    await expect(page.get_by_text("No mail yet.")).to_be_visible()
    await expect(heading).to_be_hidden()
    await context.close()


@asynccontextmanager
async def counted_connections() -> AsyncIterator[tuple[str, list[str]]]:
    """Serve another site; yields its origin, and the first line of each connection."""
    lines: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append("connection")
        lines.append((await reader.readline()).decode(errors="replace"))
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lines
