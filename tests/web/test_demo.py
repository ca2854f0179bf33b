"""The demonstration in a real browser: deliveries, and what a person missed while cut off."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tidings.runtime.settings import Settings

from tests.web.desk import Desk
from tests.web.visitor import WAIT_MILLISECONDS
from tests.web_processes import WebProcess, run_web

expect.set_options(timeout=WAIT_MILLISECONDS)
DURATION = re.compile(r"^(\d+|under 1) ms$")
OPENING_ROWS = 4
"""How many notifications each of the two has before anything is pressed."""
BACK = re.compile(r"^Back: 2 missed, in order, in (\d+|under 1) ms$")


@pytest.fixture(scope="module")
async def demo_page_server(chosen: Settings, url: str) -> AsyncIterator[WebProcess]:
    """Start the web process of a demonstration, beside the services that run already."""
    async with run_web(chosen, demo=True) as running:
        yield running


@pytest.fixture
async def page(chromium: Browser, demo_page_server: WebProcess) -> AsyncIterator[Page]:
    """Open the demonstration with both people live; fail if the page reports errors."""
    context = await chromium.new_context()
    page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    await page.goto(f"{demo_page_server.url}/#field-service")
    await until_live(page, "olga", "tom")
    for side in ("left", "right"):
        rows = page.locator(f'.person[data-side="{side}"] > tidings-inbox article')
        await expect(rows).to_have_count(OPENING_ROWS)
    yield page
    await context.close()
    assert said == []


async def until_live(page: Page, *users: str) -> None:
    """Wait until two users are live."""
    for side, user in zip(("left", "right"), users, strict=True):
        person = page.locator(f'.person[data-side="{side}"]')
        await expect(person.locator("select")).to_have_value(user)
        await expect(person).to_have_attribute("data-state", "live")


async def save_screenshot(page: Page, name: str, tmp_path: Path) -> None:
    """Take a screenshot, into the folder `SCREENSHOTS` if the environment names one."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    await page.screenshot(path=folder / f"stage-{name}.png", animations="disabled")


async def test_a_button_tells_whom_it_concerns_and_nobody_else(page: Page, tmp_path: Path) -> None:
    olga, tom = (page.locator(f'.person[data-side="{side}"]') for side in ("left", "right"))

    await page.get_by_role("button", name="The hoses are used up").click()

    await expect(
        olga.locator("> tidings-inbox").get_by_role("heading", name="Low stock: hose, 20 m")
    ).to_be_visible()
    await expect(
        olga.get_by_role("button", name=re.compile("^Notifications, [1-9]"))
    ).to_be_visible()
    await expect(page.locator(".tape li code")).to_have_text(["inventory.alert"])
    await expect(page.locator('.wire[data-side="left"] output')).to_have_text(DURATION)
    assert await tom.get_by_text("hose, 20 m").count() == 0
    await save_screenshot(page, "light", tmp_path)


async def test_who_was_cut_off_is_shown_what_was_missed_in_order_and_how_much(
    page: Page, tmp_path: Path
) -> None:
    tom = page.locator('.person[data-side="right"]')
    await tom.get_by_role("switch").click()
    await page.get_by_role("button", name="Olga sends Uma").click()
    await expect(tom.locator(".band h3")).to_have_text("Cut off: 2 missed so far")
    held = await tom.locator('.beads [data-held="true"]').count()
    await save_screenshot(page, "cut", tmp_path)

    await tom.get_by_role("switch").click()

    await expect(tom.locator(".band h3")).to_have_text(BACK)
    await expect(tom.locator(".band li")).to_have_text(
        [
            "Message from the office: Uma is on her way",
            "Work order updated: Work order 4711 status updated to: pumping",
        ]
    )
    await expect(tom.locator('.beads [data-held="true"]')).to_have_count(held + 2)
    await page.emulate_media(color_scheme="dark")
    await save_screenshot(page, "dark", tmp_path)
    await page.set_viewport_size({"width": 390, "height": 844})
    await save_screenshot(page, "phone", tmp_path)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_other_products_and_people_are_there_too_by_keys(page: Page) -> None:
    await page.locator('.person[data-side="left"] select').select_option("uma")
    await until_live(page, "uma", "tom")

    await page.get_by_role("radio", name="Field service").focus()
    await page.keyboard.press("ArrowRight")
    await until_live(page, "lena", "kofi")
    await page.get_by_role("button", name="Lena's day has been a good one").press("Enter")

    await expect(page.locator(".tape li code")).to_have_text(["achievement.revenue_milestone"])
    assert page.url.endswith("#barbershop")


async def test_whoever_reads_another_language_reads_all_of_it_so(page: Page) -> None:
    await page.get_by_role("radio", name="Volunteer projects").check(force=True)

    await until_live(page, "bram", "amira")

    bram = page.locator('.person[data-side="left"] > tidings-inbox')
    await expect(bram.get_by_role("heading", name="Mitteilungen")).to_be_visible()
    await expect(bram.get_by_role("heading", name="Neu im Team").first).to_be_visible()


async def test_a_story_plays_by_itself_until_it_is_stopped(page: Page) -> None:
    await page.get_by_role("button", name="Watch the story").click()
    await expect(page.locator("#acts")).to_have_text("Tom arrives at Mill Lane.")
    await expect(page.locator(".tape li code").first).to_have_text("work_order.updated")

    await page.get_by_role("button", name="Stop").click()

    await expect(page.locator("#acts")).to_have_text("Make something happen")
    await expect(page.get_by_role("button", name="Watch the story")).to_be_visible()


async def test_each_scene_happens_once_and_a_fresh_start_shows_the_story_complete_from_one_on(
    page: Page,
) -> None:
    tom = page.locator('.person[data-side="right"]')
    scenes = page.locator(".acts button")
    opening = await scenes.evaluate_all("(all) => all.map((each) => each.disabled)")
    await page.get_by_role("button", name="Start afresh").click()
    await until_live(page, "olga", "tom")
    await expect(tom.locator("> tidings-inbox").get_by_text("Nothing here yet")).to_be_visible()

    await scenes.first.click()
    await expect(scenes.first).to_be_disabled()
    await expect(tom.locator("> tidings-inbox article")).to_have_count(1)
    await page.reload()
    await until_live(page, "olga", "tom")
    await expect(scenes.first).to_be_disabled()
    await scenes.nth(1).click()

    assert opening == [True, True, True, False, False]
    await expect(page.locator(".tape li b")).to_have_text(["#2"])
    await expect(tom.locator("> tidings-inbox article")).to_have_count(2)


async def test_a_cut_connection_is_cut_for_requests_too_and_what_is_done_meanwhile_is_listed(
    page: Page,
) -> None:
    asked: list[str] = []
    tom = page.locator('.person[data-side="right"]')
    inbox = tom.locator("> tidings-inbox")
    await expect(inbox.locator("article")).to_have_count(4)
    await tom.get_by_role("switch").click()
    page.on("request", lambda request: asked.append(request.url))

    await inbox.locator("article").first.hover()
    await inbox.get_by_role("button", name="Done").first.click()
    await inbox.get_by_role("tab", name="Done").click()

    await expect(inbox.locator("article")).to_have_count(1)
    await expect(inbox.get_by_text("This could not be loaded")).to_be_visible()
    assert not [url for url in asked if "state=archived" in url]
    await tom.get_by_role("switch").click()
    await expect(inbox.get_by_text("That is all")).to_be_visible()
    await expect(inbox.locator("article")).to_have_count(1)


async def test_on_a_phone_the_stage_follows_what_happens(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 700})

    await page.get_by_role("button", name="The hoses are used up").click()

    low_stock = page.locator('.person[data-side="left"] > tidings-inbox').get_by_role(
        "heading", name="Low stock"
    )
    await expect(low_stock).to_be_in_viewport()
    await page.get_by_role("button", name="Watch the story").click()
    await expect(page.locator('.person[data-side="right"] .band h3')).to_be_in_viewport()


async def test_axe_finds_nothing_in_the_light_nor_in_the_dark(page: Page) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await page.locator('.person[data-side="right"] .cut').click()
    await page.get_by_role("button", name="Olga sends Uma").click()
    await expect(page.locator('.person[data-side="right"] .band h3')).to_have_text(
        "Cut off: 2 missed so far"
    )

    light = await Desk(page).accessibility_faults()
    await page.emulate_media(color_scheme="dark")
    dark = await Desk(page).accessibility_faults()

    assert (light, dark) == ([], [])
