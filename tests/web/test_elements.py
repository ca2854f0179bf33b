"""The bell, the inbox and the toasts, as somebody uses them: by mouse, by keys, and by ear."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.driver import Tidings, event, hello_to
from tests.web.desk import BELL, INBOX, TOASTS, Desk, desk
from tests.web.visitor import Visitor

MANY = 5000
SCROLL = """async () => {
    const { root } = document.querySelector("tidings-inbox");
    const scroll = root.querySelector(".scroll");
    const last = () => root.querySelector("article:last-of-type");
    let most = 0;
    while (!tidings.complete || last().ariaPosInSet !== last().ariaSetSize) {
        scroll.scrollBy(0, 4000);
        await new Promise(requestAnimationFrame);
        most = Math.max(most, root.querySelectorAll("article").length);
    }
    return most;
}"""
KEYS = """([key, times]) => {
    const { root } = document.querySelector("tidings-inbox");
    for (; times > 0; times -= 1) root.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
}"""
RING = """() => {
    window.rung = 0;
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...at) { rung += 1; return start.apply(this, at); };
}"""
INSIDE = """() => {
    const { root } = document.querySelector("tidings-bell");
    const [bell, panel] = ["button.bell", ".panel"].map((name) => root.querySelector(name).getBoundingClientRect());
    return panel.top >= bell.bottom && panel.bottom <= innerHeight && panel.left >= 0 && panel.right <= innerWidth;
}"""
DESKTOP = """
    localStorage.setItem("tidings alerts", JSON.stringify({ sound: false, desktop: true }));
    window.shown_ = [];
    window.Notification = class {
        static permission = "granted";
        constructor(title, { tag }) { Object.assign(this, { title, tag, closed: false }); shown_.push(this); }
        close() { this.closed = true; }
    };
"""
NASTY = "<img src=x onerror=document.title='taken'>"


def written(text: str) -> dict[str, Any]:
    """Bob writes in a room."""
    return event("message.posted", message_id=uuid4().hex, room_id="9", sender_id="bob", sender_name="Bob", text=text)


async def told(tidings: Tidings, *titles: str) -> None:
    """Tell Amira so, and wait until she has been told."""
    await tidings.emit(*(hello_to("amira", title=title) for title in titles))
    await tidings.eventually("amira", total=len(titles))


async def test_the_bell_says_how_many_are_new_and_nothing_when_there_are_none(visitor: Visitor, tidings: Tidings) -> None:
    at = await desk(visitor, "amira", BELL)
    await expect(at.bell).to_have_accessible_name("Notifications, nothing new")
    await expect(at.page.locator(".badge")).to_be_hidden()

    await tidings.emit(*(hello_to("amira", title=f"number {number}") for number in range(120)))

    await expect(at.bell).to_have_accessible_name("Notifications, 120 new")
    await expect(at.page.locator(".badge")).to_have_text("99+")


async def test_opening_the_bell_moves_the_focus_in_and_escape_brings_it_back(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "one", "two")
    at = await desk(visitor, "amira", BELL)
    await at.bell.focus()

    await at.press("Enter")
    await expect(at.rows.first).to_be_focused()
    inside = await at.bell.get_attribute("aria-expanded")
    await at.press("Escape")

    assert inside == "true"
    await expect(at.bell).to_be_focused()
    await expect(at.bell).to_have_attribute("aria-expanded", "false")
    await at.bell.click()
    await at.page.mouse.click(5, 5)
    await expect(at.bell).to_have_attribute("aria-expanded", "false")


async def test_what_was_looked_at_for_a_moment_is_seen_but_not_read(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "one", "two")
    at = await desk(visitor, "amira", BELL)

    await at.bell.click()
    await at.until("tidings.counts.unseen === 0 && !tidings.pending.length")

    assert await tidings.get("/v1/counts", "amira") == {"unread": 2, "unseen": 0, "total": 2}


async def test_what_grows_while_it_is_looked_at_is_seen_again(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(
        *(event("room.member_joined", identifier=f"{tidings.tenant}-{user}", room_id="9", user_id=user) for user in ("amira", "bob"))
    )
    await tidings.emit(written("hello"))
    await tidings.eventually("amira", total=1)
    at = await desk(visitor, "amira", INBOX)
    await at.until("tidings.counts.unseen === 0 && !tidings.pending.length")

    await tidings.emit(written("are you there?"))
    await expect(at.rows.first).to_contain_text("2 events")

    await at.until("tidings.counts.unseen === 0 && !tidings.pending.length")
    assert await tidings.get("/v1/counts", "amira") == {"unread": 1, "unseen": 0, "total": 1}


async def test_a_click_on_a_row_reads_it_but_one_on_its_buttons_does_not(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "second", "first")
    at = await desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Snooze").click()
    await at.press("Escape")
    await at.rows.last.get_by_text("there").click()
    await at.until("tidings.counts.unread === 1 && !tidings.pending.length")

    assert [(each["title"], "read" in each) for each in await tidings.listing("amira")] == [("first", False), ("second", True)]


async def test_the_panel_is_within_the_window_and_leaves_the_bell_to_be_seen(visitor: Visitor, tidings: Tidings) -> None:
    at = await desk(visitor, "amira", BELL)
    await at.bell.click()

    for height in (1000, 700, 500):
        await at.page.set_viewport_size({"width": 900, "height": height})
        await at.page.wait_for_function(INSIDE)


async def test_the_inbox_is_worked_through_by_keys_alone(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "fourth", "third", "second", "first")
    at = await desk(visitor, "amira", INBOX)
    await expect(at.rows).to_have_count(4)
    await at.rows.first.focus()

    await at.press("Shift+I", "j", "e", "j", "#")
    await at.press("z", "k", "k", "Shift+U")

    await expect(at.page.locator("article h3")).to_have_text(["first", "third", "fourth"])
    await at.until("!tidings.pending.length")
    listed = await tidings.listing("amira")
    assert [(each["title"], "read" in each) for each in listed] == [("first", False), ("third", False), ("fourth", False)]
    assert [each["title"] for each in await tidings.listing("amira", "archived")] == ["second"]


async def test_several_are_chosen_by_keys_and_done_at_once(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "third", "second", "first")
    at = await desk(visitor, "amira", INBOX)
    await at.rows.first.focus()

    await at.press("x", "j", "j", "x")
    chosen = await at.page.get_by_text("Selected").locator("visible=true").count()
    await at.press("e")

    await expect(at.page.locator("article h3")).to_have_text(["second"])
    assert chosen >= 2


async def test_why_it_is_here_and_what_else_can_be_done_is_in_a_menu_that_keys_reach(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(event("task.assigned", task_id="1", task_title="Say hello", user_id="amira"))
    await tidings.eventually("amira", total=1)
    at = await desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="More").press("Enter")
    await expect(at.page.get_by_text("It tells of task.assigned, about task 1")).to_be_visible()
    await expect(at.page.get_by_role("menuitem", name="Mark as read")).to_be_focused()
    await at.press("ArrowDown", "ArrowDown", "Enter")
    await at.until("tidings.counts.unread === 0")

    await expect(at.rows.first.get_by_role("button", name="More")).to_be_focused()


async def test_the_title_says_how_many_are_new_and_the_bell_links_to_a_page_of_all(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "one", "two")
    at = await desk(visitor, "amira", '<tidings-bell title-count page="/all"></tidings-bell>')
    await expect(at.page).to_have_title("(2) Tidings")
    await at.says("document.title = 'Elsewhere'")

    await at.bell.click()

    await expect(at.page.get_by_role("link", name="See all")).to_have_attribute("href", f"{tidings.url}/all")
    await at.until("tidings.counts.unseen === 0")
    await expect(at.page).to_have_title("Elsewhere")


async def test_the_focus_moves_on_when_its_row_goes_and_keys_work_when_none_is_left(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "third", "second", "first")
    at = await desk(visitor, "amira", INBOX)
    await at.rows.first.focus()

    await at.press("e")
    await expect(at.rows.first).to_be_focused()
    await at.press("j", "e")
    await expect(at.page.locator("article h3")).to_have_text(["second"])
    await expect(at.rows.first).to_be_focused()
    await at.press("e")
    await expect(at.rows).to_have_count(0)
    await at.press("z")

    await expect(at.page.locator("article h3")).to_have_text(["second"])


async def test_what_is_done_can_be_undone_for_a_while(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "one")
    at = await desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Done").click()
    await expect(at.rows).to_have_count(0)
    await at.page.get_by_role("button", name="Undo").click()

    await expect(at.rows).to_have_count(1)
    await at.until("!tidings.pending.length")
    assert (await tidings.get("/v1/counts", "amira"))["total"] == 1


async def test_what_is_snoozed_or_done_is_found_in_its_list_and_comes_back(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, "later", "done")
    at = await desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Done").click()
    await at.rows.first.get_by_role("button", name="Snooze").click()
    await at.page.get_by_role("menuitem", name="Tomorrow morning").click()
    await expect(at.page.get_by_text("Nothing here yet")).to_be_visible()
    await at.until("!tidings.pending.length")
    await at.page.get_by_role("tab", name="Snoozed").click()
    await expect(at.page.locator("article h3")).to_have_text(["later"])
    await at.press("ArrowLeft")
    await expect(at.page.locator("article h3")).to_have_text(["done"])
    await at.rows.first.get_by_role("button", name="Move back").click()
    await at.page.get_by_role("tab", name="All").click()

    await expect(at.page.locator("article h3")).to_have_text(["done"])


async def test_what_is_new_does_not_push_away_what_is_being_read(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, *(f"number {number}" for number in range(30)))
    at = await desk(visitor, "amira", INBOX)
    await at.rows.nth(8).scroll_into_view_if_needed()
    before = await at.page.locator("article h3").first.text_content()

    await tidings.emit(hello_to("amira", title="newer"), hello_to("amira", title="newest"))
    pill = at.page.get_by_role("button", name="2 new")
    await expect(pill).to_be_visible()
    meanwhile = await at.page.locator("article h3").first.text_content()
    await pill.click()

    assert meanwhile == before
    await expect(at.page.locator("article h3").first).to_have_text("newest")
    await expect(pill).to_be_hidden()


async def test_five_thousand_are_scrolled_to_the_last_one_while_few_stand_in_the_page(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, *(f"number {number}" for number in range(MANY)))
    at = await desk(visitor, "amira", INBOX)

    most = await at.page.evaluate(SCROLL)

    await expect(at.page.get_by_text("That is all")).to_be_visible()
    await expect(at.rows.last).to_have_attribute("aria-posinset", str(MANY))
    await expect(at.rows.last.get_by_role("heading")).to_have_text("number 0")
    assert most < 80
    assert await at.titles() == [f"number {number}" for number in reversed(range(MANY))]
    await at.page.locator(".scroll").evaluate("(scroll) => (scroll.scrollTop = 0)")
    await expect(at.rows.first).to_have_attribute("aria-posinset", "1")
    await expect(at.rows.first.get_by_role("heading")).to_have_text(f"number {MANY - 1}")


async def test_keys_go_from_row_to_row_beyond_those_that_stand_in_the_page_however_fast(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, *(f"number {number}" for number in range(60)))
    at = await desk(visitor, "amira", INBOX)
    stood = await at.rows.count()
    await at.rows.first.focus()

    await at.press("x")
    await at.page.evaluate(KEYS, ["j", 40])
    await expect(at.page.locator("article:focus")).to_have_attribute("aria-posinset", "41")
    await at.press("x")
    await at.page.evaluate(KEYS, ["k", 40])

    await expect(at.page.locator("article.picked:focus")).to_have_attribute("aria-posinset", "1")
    await at.press("e")
    await tidings.eventually("amira", total=58)
    assert stood < 40


async def test_a_button_is_pressed_and_then_says_so(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(event("task.assigned", task_id="1", task_title="Say hello", user_id="amira"))
    await tidings.eventually("amira", total=1)
    at = await desk(visitor, "amira", INBOX)

    await at.page.get_by_role("button", name="Accept").click()

    await expect(at.page.get_by_text("Accept: done")).to_be_visible()
    await expect(at.page.get_by_role("button", name="Decline")).to_have_count(0)


async def test_how_the_connection_stands_is_said_in_words(visitor: Visitor, tidings: Tidings) -> None:
    visitor.expected = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    await told(tidings, "one")
    page = await visitor.page()
    at = Desk(page)
    await page.evaluate("async () => { await import('/web/elements.js'); document.body.innerHTML = '<tidings-inbox></tidings-inbox>'; }")
    await visitor.connect(page, "amira", share="off", minimumDelay=8000)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()

    await visitor.context.set_offline(True)
    await at.says("tidings.disconnect(), tidings.connect()")
    await expect(page.get_by_text("Reconnecting in").or_(page.get_by_text("Offline, showing what is saved"))).to_be_visible()
    saved = await page.locator("article h3").all_text_contents()
    await tidings.emit(hello_to("amira", title="missed"))
    await tidings.eventually("amira", total=2)
    await visitor.context.set_offline(False)

    await expect(page.locator("p.link")).to_have_text("Back, 1 new")
    assert saved == ["one"]


async def test_toasts_are_few_stay_while_they_are_looked_at_and_keep_silent_over_an_open_inbox(visitor: Visitor, tidings: Tidings) -> None:
    at = await desk(visitor, "amira", BELL + TOASTS)

    await tidings.emit(*(hello_to("amira", title=f"number {number}") for number in range(5)))
    await expect(at.page.get_by_text("2 more")).to_be_visible()
    shown = await at.toasts.count()
    await at.toasts.first.hover()
    await at.bell.click()
    await expect(at.toasts).to_have_count(0)
    await tidings.emit(hello_to("amira", title="while it is open"))
    await expect(at.page.locator("article h3").first).to_have_text("while it is open")

    assert shown == 3
    await expect(at.toasts).to_have_count(0)


async def test_what_is_critical_is_shown_at_once_however_much_else_is(visitor: Visitor, tidings: Tidings) -> None:
    at = await desk(visitor, "amira", TOASTS)
    await tidings.emit(*(hello_to("amira", title=f"number {number}") for number in range(3)))
    await expect(at.toasts).to_have_count(3)
    await at.toasts.last.hover()

    await tidings.emit(hello_to("amira", title="Fire", priority="critical"))

    await expect(at.toasts.get_by_text("Fire")).to_be_visible()
    await expect(at.page.get_by_role("alert")).to_have_text("Fire. there")
    assert await at.toasts.count() <= 3


async def test_a_toast_that_asks_for_something_stays_and_is_answered_where_it_is(visitor: Visitor, tidings: Tidings) -> None:
    at = await desk(visitor, "amira", TOASTS)
    await tidings.emit(event("task.assigned", task_id="1", task_title="Say hello", user_id="amira"), hello_to("amira", title="no matter"))
    await expect(at.toasts).to_have_count(2)
    await expect(at.toasts).to_have_count(1)  # the other one has gone by itself

    await at.page.get_by_role("button", name="Decline").click()

    await expect(at.toasts).to_have_count(0)
    await at.until("tidings.notifications.some((it) => it.acted === 'decline')")


@pytest.mark.parametrize(("motion", "pieces"), [("no-preference", True), ("reduce", False)])
async def test_an_achievement_is_celebrated_but_not_with_whoever_prefers_less_motion(
    visitor: Visitor, tidings: Tidings, motion: str, pieces: bool
) -> None:
    at = await desk(visitor, "amira", TOASTS)
    await at.page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]

    await tidings.emit(event("achievement.revenue_milestone", user_id="amira", title="First 10 000"))
    await expect(at.toasts).to_have_count(1)

    assert (await at.page.locator(".confetti").count() > 0) == pieces


async def test_text_stays_text_and_only_links_to_pages_are_followed(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(
        hello_to("amira", title=NASTY, message=NASTY, entity_url="javascript:document.title='taken'"),
        hello_to("amira", title="a page", entity_url="/web/blank.html?followed"),
    )
    await tidings.eventually("amira", total=2)
    at = await desk(visitor, "amira", INBOX + TOASTS)

    links = await at.page.locator("article a").evaluate_all("(links) => links.map((each) => each.href)")
    await at.rows.last.focus()
    await at.press("Enter")
    title = await at.page.title()
    await at.rows.first.locator("a").click()
    await at.page.wait_for_url("**/web/blank.html?followed")

    assert links == [f"{tidings.url}/web/blank.html?followed"]
    assert title != "taken"


async def test_a_product_may_open_things_itself_and_say_everything_in_its_own_words(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(hello_to("amira", title="a page", entity_url="/elsewhere"))
    await tidings.eventually("amira", total=1)
    at = await desk(visitor, "amira", INBOX, lang="de")
    await expect(at.page.get_by_role("tab", name="Erledigt")).to_be_visible()

    await at.says("document.querySelector('tidings-inbox').words = { title: 'Post' }, null")
    await at.says(
        "document.addEventListener('tidings-open', (event) => { event.preventDefault(); window.opened = event.detail.notification.title; })"
    )
    await at.page.locator("article a").click()

    await expect(at.page.get_by_role("heading", name="Post")).to_be_visible()
    assert await at.says("window.opened") == "a page"
    await at.until("tidings.counts.unread === 0")


async def test_sound_and_desktop_are_off_until_somebody_turns_them_on(visitor: Visitor, tidings: Tidings) -> None:
    await visitor.context.grant_permissions(["notifications"], origin=tidings.url)
    at = await desk(visitor, "amira", INBOX)
    await at.says(RING)
    await tidings.emit(hello_to("amira", title="quiet"))
    await at.until("tidings.counts.unread === 1")
    before = await at.says("window.rung")

    await at.page.get_by_role("button", name="Settings").click()
    await at.page.get_by_role("checkbox", name="Play a sound").check()
    await at.page.get_by_role("checkbox", name="Show on the desktop").check()
    on = await at.says("window.rung")
    await tidings.emit(hello_to("amira", title="loud"))
    await at.until(f"window.rung > {on}")

    assert before == 0
    assert await at.says("JSON.parse(localStorage.getItem('tidings alerts'))") == {"sound": True, "desktop": True}


async def test_what_arrives_is_announced_and_the_bell_may_count_what_is_unread_on_the_app_too(visitor: Visitor, tidings: Tidings) -> None:
    await visitor.context.add_init_script("navigator.setAppBadge = async (count) => void (window.onApp = count);")
    at = await desk(visitor, "amira", f'<tidings-bell count="unread" app-badge></tidings-bell>{INBOX}')

    await tidings.emit(hello_to("amira", title="one"))
    await expect(at.page.locator("main > tidings-inbox").get_by_role("status").filter(has_text="New: one")).to_be_attached()
    await at.until("tidings.counts.unseen === 0")

    await expect(at.bell).to_have_accessible_name("Notifications, 1 unread")
    assert await at.says("window.onApp") == 1


async def test_out_of_sight_it_shows_on_the_desktop_until_it_is_read(visitor: Visitor, tidings: Tidings) -> None:
    await visitor.context.add_init_script(DESKTOP)
    at = await desk(visitor, "amira", BELL)
    await tidings.emit(hello_to("amira", title="in sight"))
    await at.until("tidings.counts.unread === 1")

    await at.says("(() => { Object.defineProperty(document, 'hidden', { get: () => true }); })()")
    await tidings.emit(hello_to("amira", title="out of sight"))
    await at.until("window.shown_.length === 1")
    await at.says("tidings.mark('read', tidings.notifications.map((it) => it.id))")
    await at.until("window.shown_[0].closed")

    assert await at.says("window.shown_.map(({ title, tag }) => [title, tag === tidings.notifications[0].id])") == [["out of sight", True]]
