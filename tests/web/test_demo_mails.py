"""The demonstration's mails: what is read in the bell is not mailed, what is not read is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tidings.mailbox.mailbox import MailboxAddresses, run_mailbox
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels, with_relay
from tests.services.channels.test_preferences_api import change
from tests.web.desk import Desk
from tests.web.test_demo import save_screenshot, until_live
from tests.web_processes import run_web

RUN = "mails"
TENANT = f"demo-field-service-{RUN}"
KEEP_RUN = f"""() => sessionStorage.setItem(
    "tidings demo run",
    JSON.stringify({{ name: "{RUN}", fromStart: true, played: {{}} }}),
)"""


@asynccontextmanager
async def running_mailbox(directory: Path) -> AsyncIterator[MailboxAddresses]:
    """Run the mailbox of a demonstration."""
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_mailbox(Settings(), directory, 0, 0, ready.set_result))
    await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    yield ready.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def page(
    chromium: Browser, chosen: Settings, url: str, tmp_path: Path
) -> AsyncIterator[Page]:
    """Open a demonstration that sends mails, with both people live and nothing told yet."""
    async with (
        running_mailbox(tmp_path) as mailbox,
        running_channels(with_relay(chosen, mailbox.smtp_port)),
        run_web(chosen, demo=True, mailbox_url=mailbox.url) as demo,
    ):
        context = await chromium.new_context()
        page = await context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "console",
            lambda message: said.append(message.text) if message.type == "error" else None,
        )
        await page.goto(f"{demo.url}/web/blank.html")
        await page.evaluate(KEEP_RUN)
        await page.goto(f"{demo.url}/#field-service")
        await until_live(page, "olga", "tom")
        yield page
        await context.close()
        assert said == []


async def test_what_tom_reads_in_the_bell_is_not_mailed_and_what_he_misses_is(
    page: Page, tidings: Tidings, tmp_path: Path
) -> None:
    stage = page.get_by_role("region", name="Who is away gets a mail")
    phone = page.get_by_role("region", name="Tom's mails")
    fates = stage.get_by_role("log").get_by_role("listitem")
    await expect(phone).to_contain_text("No mail yet.")
    await page.get_by_role("button", name="Olga gives Tom the work order").click()
    await expect(stage.locator(".planned")).to_have_text(
        re.compile(r"^A mail is planned in \d+ s, unless Tom reads it in the bell\.$")
    )

    await stage.get_by_role("button", name="Tom reads it in the bell").click()

    await expect(fates).to_have_text(["Not mailed, Tom read it: Work order assigned"])
    tom = Tidings(tidings.url, None, TENANT)
    async with tom:
        soon = {"of": "all", "channel": "email", "how": "unread", "after_seconds": 2}
        await change(tom, soon, user="tom")
    await stage.get_by_role("button", name="Tom is away for 10 minutes").press("Enter")

    await expect(fates.first).to_have_text("Mailed: Work order updated")
    mail = phone.get_by_role("listitem").get_by_role("button", name="Work order updated")
    await expect(mail).to_have_count(1)
    await mail.press("Enter")
    await expect(page.frame_locator(".phone iframe").get_by_text("status updated")).to_be_visible()
    await stage.scroll_into_view_if_needed()
    await save_screenshot(page, "mails", tmp_path)
    await page.emulate_media(reduced_motion="reduce")
    assert await Desk(page).accessibility_faults() == []
    await phone.get_by_role("button", name="Back to the mails").press("Enter")
    await expect(mail).to_be_focused()
    await page.set_viewport_size({"width": 320, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await stage.get_by_role("button", name="Tom is back").click()
    await until_live(page, "olga", "tom")
