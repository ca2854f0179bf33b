"""The inbox, used by keys alone."""

from __future__ import annotations

from playwright.async_api import expect

from tests.builders import make_event
from tests.driver import Tidings
from tests.web.desk import INBOX, open_desk
from tests.web.titles import announce_titles
from tests.web.visitor import Visitor

KEYS = """([key, times]) => {
    const { root } = document.querySelector("tidings-inbox");
    const options = { key, bubbles: true, composed: true };
    for (; times > 0; times -= 1)
        root.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
}"""


async def test_the_inbox_is_worked_through_by_keys_alone(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "fourth", "third", "second", "first")
    at = await open_desk(visitor, "amira", INBOX)
    await expect(at.rows).to_have_count(4)
    await at.rows.first.focus()

    await at.press_keys("Shift+I", "j", "e", "j", "#")
    await at.press_keys("z", "k", "k", "Shift+U")

    await expect(at.page.locator("article h3")).to_have_text(["first", "third", "fourth"])
    await at.wait_until("!tidings.pending.length")
    listed = await tidings.list_all("amira")
    assert [(each["title"], "read" in each) for each in listed] == [
        ("first", False),
        ("third", False),
        ("fourth", False),
    ]
    assert [each["title"] for each in await tidings.list_all("amira", "archived")] == ["second"]


async def test_several_are_chosen_by_keys_and_done_at_once(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "third", "second", "first")
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.first.focus()

    await at.press_keys("x", "j", "j", "x")
    chosen = await at.page.get_by_text("Selected").locator("visible=true").count()
    await at.press_keys("e")

    await expect(at.page.locator("article h3")).to_have_text(["second"])
    assert chosen >= 2


async def test_why_it_is_here_and_what_else_can_be_done_is_in_a_menu_that_keys_reach(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Say hello", user_id="amira")
    )
    await tidings.emit(
        make_event("task.status_changed", task_id="1", task_title="Say hello", new_status="done"),
    )
    await tidings.wait_for_counts("amira", total=2)
    at = await open_desk(visitor, "amira", INBOX)

    await at.rows.nth(1).get_by_role("button", name="More").press("Enter")
    await at.press_keys("ArrowUp", "Enter")
    await expect(at.page.get_by_text("It is meant for you.")).to_be_visible()
    await at.press_keys("Escape")
    await expect(at.rows.nth(1).get_by_role("button", name="More")).to_be_focused()
    await at.rows.first.get_by_role("button", name="More").press("Enter")
    await at.press_keys("ArrowUp", "Enter")
    await expect(at.page.get_by_text("One of these: You are assigned to task 1.")).to_be_visible()
    await at.press_keys("Escape")
    await at.rows.first.get_by_role("button", name="More").press("Enter")
    await expect(at.page.get_by_role("menuitem", name="Mark as read")).to_be_focused()
    await at.press_keys("ArrowDown", "ArrowUp", "Enter")
    await at.wait_until("tidings.counts.unread === 1")

    await expect(at.rows.first.get_by_role("button", name="More")).to_be_focused()


async def test_the_focus_moves_on_when_its_row_goes_and_keys_work_when_none_is_left(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "third", "second", "first")
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.first.focus()

    await at.press_keys("e")
    await expect(at.rows.first).to_be_focused()
    await at.press_keys("j", "e")
    await expect(at.page.locator("article h3")).to_have_text(["second"])
    await expect(at.rows.first).to_be_focused()
    await at.press_keys("e")
    await expect(at.rows).to_have_count(0)
    await at.press_keys("z")

    await expect(at.page.locator("article h3")).to_have_text(["second"])


async def test_keys_go_from_row_to_row_beyond_those_that_stand_in_the_page_however_fast(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, *(f"number {number}" for number in range(60)))
    at = await open_desk(visitor, "amira", INBOX)
    stood = await at.rows.count()
    await at.rows.first.focus()

    await at.press_keys("x")
    await at.page.evaluate(KEYS, ["j", 40])
    await expect(at.page.locator("article:focus")).to_have_attribute("aria-posinset", "41")
    await at.press_keys("x")
    await at.page.evaluate(KEYS, ["k", 40])

    await expect(at.page.locator("article.picked:focus")).to_have_attribute("aria-posinset", "1")
    await at.press_keys("e")
    await tidings.wait_for_counts("amira", total=58)
    assert stood < 40


async def test_snoozing_by_keys_moves_on_to_the_next_row_and_takes_all_that_are_selected(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "one", "two", "three", "four")
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.first.focus()

    await at.press_keys("s", "Enter")
    await expect(at.rows).to_have_count(3)
    await expect(at.page.locator("article:focus-within h3")).to_have_text("three")
    await at.press_keys("z")
    await expect(at.rows).to_have_count(4)
    await at.press_keys("x", "j", "x", "s", "Enter")
    await expect(at.rows).to_have_count(2)
    await expect(at.page.locator("article:focus-within")).to_have_count(1)

    await tidings.wait_for_counts("amira", total=2)
