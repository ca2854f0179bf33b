"""The settings in pages that live on: another person, changes made elsewhere, keys alone."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.driver import Tidings
from tests.services.channels.test_preferences_api import change, choice
from tests.waiting import wait_until
from tests.web.desk import Desk, open_desk
from tests.web.visitor import Visitor

PREFERENCES = "<tidings-preferences categories='task'></tidings-preferences>"
TASKS_BY_MAIL = "Tasks: E-mail"


async def open_preferences(visitor: Visitor) -> Desk:
    """Open a page with Amira's settings, and wait until they are shown."""
    at = await open_desk(visitor, "amira", PREFERENCES)
    await expect(at.page.get_by_role("table")).to_be_visible()
    return at


async def state_before(tidings: Tidings, **stated: str) -> None:
    """State a preference of Amira's, and wait until the edge knows it."""
    sequence = await change(tidings, stated, user="amira")
    await tidings.get("/v1/preferences", "amira", after=sequence)


async def test_settings_of_one_person_are_not_shown_to_the_next(
    visitor: Visitor, tidings: Tidings
) -> None:
    await state_before(tidings, of="category:task", channel="email", how="now")
    page = (await open_preferences(visitor)).page
    select = page.get_by_label(TASKS_BY_MAIL)
    await expect(select).to_have_value("now")

    await page.evaluate("tidings.close()")
    await visitor.connect_page(page, "bob")

    await expect(select).to_have_value("digest")


async def test_what_is_changed_elsewhere_is_shown_when_the_page_comes_back(
    visitor: Visitor, tidings: Tidings
) -> None:
    page = (await open_preferences(visitor)).page
    await state_before(tidings, of="entity:task:456", how="never")

    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    await expect(page.get_by_text("task 456 (every channel): Never")).to_be_visible()


async def test_choices_made_one_after_the_other_all_hold(
    visitor: Visitor, tidings: Tidings
) -> None:
    page = (await open_preferences(visitor)).page

    for value in ("now", "never", "unread:600"):
        await page.get_by_label(TASKS_BY_MAIL).select_option(value)
    await page.get_by_label("Tasks: Push").select_option("never")

    await wait_until(lambda: _is_idle(page))
    shown = await tidings.get("/v1/preferences", "amira")
    assert choice(shown, "task", "email")["how"] == "unread"
    assert choice(shown, "task", "push")["how"] == "never"
    await expect(page.get_by_role("status")).to_have_text("Saved.")


async def test_a_choice_and_its_reason_are_reached_by_keys_alone(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_preferences(visitor)
    await at.page.get_by_label(TASKS_BY_MAIL).focus()

    await at.press_keys("End")
    await expect(at.page.get_by_role("status")).to_have_text("Saved.")
    await at.press_keys("Tab", "Enter")
    await expect(at.page.get_by_role("button", name="Use the default instead")).to_be_focused()
    await at.press_keys("Escape")

    why = at.page.get_by_role("button", name="Your choice: why? Tasks, E-mail")
    await expect(why).to_be_focused()
    shown = await tidings.get("/v1/preferences", "amira")
    assert choice(shown, "task", "email")["how"] == "never"


async def _is_idle(page: Page) -> bool:
    busy = "document.querySelector('tidings-preferences').getAttribute('aria-busy')"
    return await page.evaluate(busy) == "false"
