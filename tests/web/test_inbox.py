"""The inbox, used by mouse and by screen reader."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web.desk import BELL, INBOX, TOASTS, Desk, open_desk
from tests.web.titles import announce_titles
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
NASTY = "<img src=x onerror=document.title='taken'>"


def message_of_bob(text: str) -> dict[str, Any]:
    """Return Bob's message in a room, whose messages accumulate."""
    return make_event(
        "message.posted",
        message_id=uuid4().hex,
        room_id="9",
        sender_id="bob",
        sender_name="Bob",
        text=text,
        grouped=True,
    )


async def test_what_was_looked_at_for_a_moment_is_seen_but_not_read(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "one", "two")
    at = await open_desk(visitor, "amira", BELL)

    await at.bell.click()
    await at.wait_until("tidings.counts.unseen === 0 && !tidings.pending.length")

    assert await tidings.get("/v1/counts", "amira") == {"unread": 2, "unseen": 0, "total": 2}


async def test_what_grows_while_it_is_looked_at_is_seen_again(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        *(
            make_event(
                "room.member_joined",
                identifier=f"{tidings.tenant}-{user}",
                room_id="9",
                user_id=user,
            )
            for user in ("amira", "bob")
        )
    )
    await tidings.emit(message_of_bob("hello"))
    await tidings.wait_for_counts("amira", total=1)
    at = await open_desk(visitor, "amira", INBOX)
    await at.wait_until("tidings.counts.unseen === 0 && !tidings.pending.length")

    await tidings.emit(message_of_bob("are you there?"))
    await expect(at.rows.first).to_contain_text("2 events")

    await at.wait_until("tidings.counts.unseen === 0 && !tidings.pending.length")
    assert await tidings.get("/v1/counts", "amira") == {"unread": 1, "unseen": 0, "total": 1}


async def test_a_click_on_a_row_reads_it_but_one_on_its_buttons_does_not(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "second", "first")
    at = await open_desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Snooze").click()
    await at.press_keys("Escape")
    await at.rows.last.get_by_text("there").click()
    await at.wait_until("tidings.counts.unread === 1 && !tidings.pending.length")

    assert [(each["title"], "read" in each) for each in await tidings.list_all("amira")] == [
        ("first", False),
        ("second", True),
    ]


async def test_what_is_done_can_be_undone_for_a_while(visitor: Visitor, tidings: Tidings) -> None:
    await announce_titles(tidings, "one")
    at = await open_desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Done").click()
    await expect(at.rows).to_have_count(0)
    await at.page.get_by_role("button", name="Undo").click()

    await expect(at.rows).to_have_count(1)
    await at.wait_until("!tidings.pending.length")
    assert (await tidings.get("/v1/counts", "amira"))["total"] == 1


async def test_what_is_snoozed_or_done_is_found_in_its_list_and_comes_back(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "later", "done")
    at = await open_desk(visitor, "amira", INBOX)

    await at.rows.first.get_by_role("button", name="Done").click()
    await at.rows.first.get_by_role("button", name="Snooze").click()
    await at.page.get_by_role("menuitem", name="Tomorrow morning").click()
    await expect(at.page.get_by_text("Nothing here yet")).to_be_visible()
    await expect(at.page.get_by_role("tab")).to_have_text(
        ["All", "Unread", "Done\n1", "Snoozed\n1"], use_inner_text=True
    )
    await at.page.get_by_role("tab", name="Snoozed").click()
    await expect(at.page.locator("article h3")).to_have_text(["later"])
    await at.press_keys("ArrowLeft")
    await expect(at.page.locator("article h3")).to_have_text(["done"])
    await at.rows.first.get_by_role("button", name="Move back").click()
    await at.page.get_by_role("tab", name="All").click()

    await expect(at.page.locator("article h3")).to_have_text(["done"])
    await expect(at.page.get_by_role("tab")).to_have_text(
        ["All\n1", "Unread\n1", "Done", "Snoozed\n1"], use_inner_text=True
    )


async def test_what_is_new_does_not_push_away_what_is_being_read(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, *(f"number {number}" for number in range(30)))
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.nth(8).scroll_into_view_if_needed()
    before = await at.page.locator("article h3").first.text_content()

    await tidings.emit(
        make_announcement("amira", title="newer"), make_announcement("amira", title="newest")
    )
    pill = at.page.get_by_role("button", name="2 new")
    await expect(pill).to_be_visible()
    meanwhile = await at.page.locator("article h3").first.text_content()
    await pill.click()

    assert meanwhile == before
    await expect(at.page.locator("article h3").first).to_have_text("newest")
    await expect(pill).to_be_hidden()


async def test_five_thousand_are_scrolled_to_the_last_one_while_few_stand_in_the_page(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, *(f"number {number}" for number in range(MANY)))
    at = await open_desk(visitor, "amira", INBOX)

    most = await at.page.evaluate(SCROLL)

    await expect(at.page.get_by_text("That is all")).to_be_visible()
    await expect(at.rows.last).to_have_attribute("aria-posinset", str(MANY))
    await expect(at.rows.last.get_by_role("heading")).to_have_text("number 0")
    assert most < 80
    assert await at.shown_titles() == [f"number {number}" for number in reversed(range(MANY))]
    await at.page.locator(".scroll").evaluate("(scroll) => (scroll.scrollTop = 0)")
    await expect(at.rows.first).to_have_attribute("aria-posinset", "1")
    await expect(at.rows.first.get_by_role("heading")).to_have_text(f"number {MANY - 1}")


async def test_a_button_is_pressed_and_then_says_so(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Say hello", user_id="amira")
    )
    await tidings.wait_for_counts("amira", total=1)
    at = await open_desk(visitor, "amira", INBOX)

    await at.page.get_by_role("button", name="Accept").click()

    await expect(at.page.get_by_text("You chose “Accept”")).to_be_visible()
    await expect(at.page.get_by_role("button", name="Decline")).to_have_count(0)


async def test_how_the_connection_stands_is_said_in_words(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    await announce_titles(tidings, "one")
    page = await visitor.open_page()
    at = Desk(page)
    await page.evaluate(
        """async () => {
            await import("/web/elements.js");
            document.body.innerHTML = "<tidings-inbox></tidings-inbox>";
        }"""
    )
    await visitor.connect_page(page, "amira", share="off", minimumDelay=8000)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()

    await visitor.context.set_offline(True)
    await at.evaluate("tidings.disconnect(), tidings.connect()")
    await expect(
        page.get_by_text("Reconnecting in").or_(page.get_by_text("Offline, showing what is saved"))
    ).to_be_visible()
    saved = await page.locator("article h3").all_text_contents()
    await tidings.emit(make_announcement("amira", title="missed"))
    await tidings.wait_for_counts("amira", total=2)
    await visitor.context.set_offline(False)

    await expect(page.locator("p.connection-status")).to_have_text("Back, 1 new")
    assert saved == ["one"]


async def test_text_stays_text_and_only_links_to_pages_are_followed(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        make_announcement("amira", title=NASTY, message=NASTY),
        make_announcement("amira", title="a page", entity_url="/web/blank.html?followed"),
    )
    await tidings.wait_for_counts("amira", total=2)
    at = await open_desk(visitor, "amira", INBOX + TOASTS)

    links = await at.page.locator("article a").evaluate_all(
        "(links) => links.map((each) => each.href)"
    )
    await at.rows.last.focus()
    await at.press_keys("Enter")
    title = await at.page.title()
    await at.rows.first.locator("a").click()
    await at.page.wait_for_url("**/web/blank.html?followed")

    assert links == [f"{tidings.url}/web/blank.html?followed"]
    assert title != "taken"


async def test_a_product_may_open_things_itself_and_say_everything_in_its_own_words(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(make_announcement("amira", title="a page", entity_url="/elsewhere"))
    await tidings.wait_for_counts("amira", total=1)
    at = await open_desk(visitor, "amira", INBOX, lang="de")
    await expect(at.page.get_by_role("tab", name="Erledigt")).to_be_visible()

    await at.evaluate("document.querySelector('tidings-inbox').words = { title: 'Post' }, null")
    await at.evaluate(
        """document.addEventListener("tidings-open", (event) => {
            event.preventDefault();
            window.opened = event.detail.notification.title;
        })"""
    )
    await at.page.locator("article a").click()

    await expect(at.page.get_by_role("heading", name="Post")).to_be_visible()
    assert await at.evaluate("window.opened") == "a page"
    await at.wait_until("tidings.counts.unread === 0")


async def test_the_lists_of_one_person_are_never_shown_to_the_next(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "hers")
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.first.get_by_role("button", name="Done").click()
    await at.page.get_by_role("tab", name="Done").click()
    await expect(at.page.locator("article h3")).to_have_text(["hers"])

    await visitor.connect_page(at.page, "bob")
    await at.until_live()

    await expect(at.page.get_by_role("tab", name="All")).to_have_attribute("aria-selected", "true")
    await expect(at.page.get_by_text("Nothing here yet")).to_be_visible()
    assert await at.rows.count() == 0


async def test_what_was_moved_back_is_given_back_to_its_list(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "done", "later")
    at = await open_desk(visitor, "amira", INBOX)
    await at.rows.first.get_by_role("button", name="Snooze").click()
    await at.page.get_by_role("menuitem", name="Tomorrow morning").click()
    await at.rows.first.get_by_role("button", name="Done").click()

    for name in ("Done", "Snoozed"):
        await at.page.get_by_role("tab", name=name).click()
        await at.rows.first.get_by_role(
            "button", name="Move back" if name == "Done" else "Bring back now"
        ).click()
        await expect(at.page.locator(".undo-bar")).to_contain_text("Moved back")
        await at.page.get_by_role("button", name="Undo").click()
        await expect(at.rows).to_have_count(1)

    await at.wait_until("!tidings.pending.length && tidings.counts.total === 0")
    assert [
        len(await tidings.list_all("amira", name)) for name in ("all", "archived", "snoozed")
    ] == [0, 1, 1]


async def test_a_list_that_changes_elsewhere_changes_here(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "one", "two")
    at = await open_desk(visitor, "amira", INBOX)
    phone = await (await tidings.connect("amira")).live()
    await at.rows.first.get_by_role("button", name="Done").click()
    await at.page.get_by_role("tab", name="Done").click()
    await expect(at.rows).to_have_count(1)
    await expect(at.page.get_by_role("tab", name="Done")).to_have_text(
        "Done\n1", use_inner_text=True
    )

    await phone.mark("archived", *phone.notifications)

    await expect(at.rows).to_have_count(2)
