"""The client in a real browser: what was missed arrives in order, and all tabs agree."""

from __future__ import annotations

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web.visitor import Visitor


async def test_what_is_told_shows_at_once_and_what_was_missed_shows_on_return(
    visitor: Visitor, tidings: Tidings
) -> None:
    tab = await (await visitor.open_tab("amira")).until_live()
    await tidings.emit(make_announcement("amira", title="one"))
    await tab.wait_until("tidings.counts.unread === 1")
    await tab.evaluate("tidings.disconnect()")
    await tidings.emit(*(make_announcement("amira", title=title) for title in ("two", "three")))
    await tidings.wait_for_counts("amira", total=3)

    await tab.evaluate("tidings.connect()")
    await tab.wait_until("tidings.state === 'live' && tidings.counts.unread === 3")

    assert await tab.shown_titles() == ["three", "two", "one"]
    assert [
        (each["notification"]["title"]) for each in await tab.reported_events("notification")
    ] == [
        "one",
        "two",
        "three",
    ]
    assert (await tab.reported_events("caughtup"))[-1]["replayed"] == 2


async def test_a_mark_made_in_one_tab_shows_in_the_other_and_on_the_phone(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        make_announcement("amira", title="one"), make_announcement("amira", title="two")
    )
    desk, other = [await (await visitor.open_tab("amira")).until_live() for _ in range(2)]
    phone = await (await tidings.connect("amira")).live()
    await desk.wait_until("tidings.counts.unread === 2")

    await desk.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
    at_once = await desk.evaluate("tidings.counts.unread")
    await phone.until_counts(unread=1)
    await other.wait_until("tidings.counts.unread === 1 && tidings.pending.length === 0")

    assert at_once == 1
    assert [
        each["read"] is not None
        for each in (await tidings.list_all("amira", "all"))
        if each["title"] == "two"
    ] == [True]


async def test_older_ones_are_loaded_when_asked_for_until_there_are_no_more(
    visitor: Visitor, tidings: Tidings
) -> None:
    titles = [f"number {number}" for number in range(120)]
    await tidings.emit(*(make_announcement("amira", title=title) for title in titles))
    await tidings.wait_for_counts("amira", total=120)
    tab = await (await visitor.open_tab("amira")).until_live()
    at_first = await tab.evaluate("[tidings.notifications.length, tidings.complete]")

    came = [await tab.evaluate("tidings.more(40)") for _ in range(3)]

    assert at_first == [50, False]
    assert came == [40, 30, 0]
    assert await tab.evaluate("tidings.complete")
    assert await tab.shown_titles() == titles[::-1]


async def test_all_are_read_at_once_even_those_that_are_not_loaded(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        *(make_announcement("amira", title=f"number {number}") for number in range(70))
    )
    await tidings.wait_for_counts("amira", total=70)
    tab = await (await visitor.open_tab("amira")).until_live()

    await tab.evaluate("tidings.markAll()")
    at_once = await tab.evaluate("tidings.counts.unread")
    await tab.wait_until("!tidings.pending.length")

    assert at_once == 0
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == 0


async def test_a_button_is_pressed_and_shows_so_in_every_tab(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("409",)
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Say hello", user_id="amira")
    )
    tab, other = [await (await visitor.open_tab("amira")).until_live() for _ in range(2)]
    await tab.wait_until("tidings.notifications[0]?.actions?.length")

    await tab.evaluate("tidings.press(tidings.notifications[0].id, 'accept')")
    await other.wait_until("tidings.notifications[0].acted === 'accept'")
    before = await other.evaluate(
        "tidings.press(tidings.notifications[0].id, 'decline').catch(({ reason }) => reason)"
    )

    assert before == "accept"


async def test_a_page_that_was_written_for_callbacks_is_called(
    visitor: Visitor, tidings: Tidings
) -> None:
    page = await visitor.open_page()
    await page.evaluate(
        """async (token) => {
        const { connect } = await import("/web/client.js");
        window.called = [];
        const note = (name) => (value) =>
            called.push([name, value?.title ?? value?.unread ?? null]);
        window.tidings = connect({
            getToken: () => token,
            onNotification: note("notification"),
            onStatsUpdate: note("stats"),
            onConnect: note("connect"),
            onDisconnect: note("disconnect"),
        });
    }""",
        tidings.token("amira"),
    )
    await page.wait_for_function("called.some(([name]) => name === 'connect')")

    await tidings.emit(make_announcement("amira", title="one"))
    await page.wait_for_function("called.some(([name, value]) => name === 'stats' && value === 1)")
    await page.evaluate("tidings.disconnect()")

    called = await page.evaluate("called")
    assert ["notification", "one"] in called
    assert [name for name, _ in called if name != "stats"] == [
        "connect",
        "notification",
        "disconnect",
    ]


async def test_a_page_whose_callbacks_fail_is_told_so_and_the_client_goes_on(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("the page's own fault",)
    page = await visitor.open_page()
    await page.evaluate(
        """async (token) => {
        const { connect } = await import("/web/client.js");
        const fail = () => { throw new Error("the page's own fault"); };
        window.states = [];
        const callbacks = { onNotification: fail, onStatsUpdate: fail, onConnect: fail };
        window.tidings = connect({ getToken: () => token, share: "off", ...callbacks });
        tidings.addEventListener("state", ({ detail }) => states.push(detail.state));
    }""",
        tidings.token("amira"),
    )
    await page.wait_for_function("tidings.state === 'live'")

    await tidings.emit(make_announcement("amira", title="one"))
    await page.wait_for_function("tidings.counts.unread === 1")
    await tidings.emit(make_announcement("amira", title="two"))
    await page.wait_for_function("tidings.counts.unread === 2")

    assert await page.evaluate("states") == ["connecting", "catching up", "live"]


async def test_a_cookie_says_who_it_is_where_the_page_has_no_token(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(make_announcement("amira", title="one"))
    await visitor.context.add_cookies(
        [
            {
                "name": "tidings_token",
                "value": tidings.token("amira"),
                "url": tidings.url,
                "httpOnly": True,
            }
        ]
    )
    page = await visitor.open_page()

    await page.evaluate(
        """async () => {
            const { connect } = await import("/web/client.js");
            window.tidings = connect({ account: "amira" });
        }"""
    )
    await page.wait_for_function("tidings.state === 'live' && tidings.counts.unread === 1")
    await page.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
    await page.wait_for_function("!tidings.pending.length && tidings.counts.unread === 0")

    assert await page.evaluate("tidings.user") == "amira"


async def test_what_was_kept_of_one_person_is_never_shown_to_the_next(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        make_announcement("amira", title="private"), make_announcement("bram", title="his own")
    )
    tab = await (await visitor.open_tab("amira", account="of this browser")).until_live()
    await tab.wait_until("tidings.counts.unread === 1")
    await tab.evaluate("tidings.close()")

    await tab.page.reload()
    await visitor.connect_page(tab.page, "bram", account="of this browser")
    await tab.wait_until("tidings.state === 'live' && tidings.user === 'bram'")

    assert await tab.shown_titles() == ["his own"]
