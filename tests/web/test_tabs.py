"""The tabs of a browser share one connection, also when the tab that holds it goes."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.web.visitor import Tab, Visitor

TABS = 10


async def connection_count(tidings: Tidings) -> int:
    """Return how many connections the edge has."""
    lines = (await tidings.http.get("/metrics")).text.splitlines()
    return int(
        float(next(line for line in lines if line.startswith("tidings_connections ")).split()[1])
    )


async def until_connections(tidings: Tidings, count: int) -> None:
    """Wait until the edge has a number of connections."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if await connection_count(tidings) == count:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("share", ["worker", "locks"])
async def test_ten_tabs_have_one_connection_and_say_the_same(
    visitor: Visitor, tidings: Tidings, share: str
) -> None:
    before = await connection_count(tidings)
    tabs = [await visitor.open_tab("amira", share=share) for _ in range(TABS)]
    for tab in tabs:
        await tab.until_live()

    await tidings.emit(
        *(make_announcement("amira", title=f"number {number}") for number in range(5))
    )
    for tab in tabs:
        await tab.wait_until("tidings.notifications.length === 5 && tidings.counts.unread === 5")

    assert await connection_count(tidings) == before + 1
    assert len({str(await tab.shown_titles()) for tab in tabs}) == 1


async def test_a_tab_that_holds_the_connection_is_closed_and_another_goes_on_from_there(
    visitor: Visitor, tidings: Tidings
) -> None:
    first = await (await visitor.open_tab("amira", share="locks")).until_live()
    others = [await (await visitor.open_tab("amira", share="locks")).until_live() for _ in range(2)]
    await tidings.emit(make_announcement("amira", title="before"))
    await others[0].wait_until("tidings.counts.unread === 1")

    await first.page.close()
    await tidings.emit(make_announcement("amira", title="meanwhile"))

    for tab in others:
        await tab.wait_until("tidings.counts.unread === 2 && tidings.state === 'live'")
        assert await tab.shown_titles() == ["meanwhile", "before"]
        assert [
            each["notification"]["title"] for each in await tab.reported_events("notification")
        ] == [
            "before",
            "meanwhile",
        ]


async def test_a_tab_that_froze_while_it_held_the_connection_does_not_keep_the_others_waiting(
    visitor: Visitor, tidings: Tidings
) -> None:
    frozen = await (await visitor.open_tab("amira", share="locks")).until_live()
    other = await (await visitor.open_tab("amira", share="locks")).until_live()
    before = await other.evaluate("tidings.cursor")

    await _freeze(visitor, frozen)
    await tidings.emit(make_announcement("amira", title="while it was frozen"))

    await other.wait_until("tidings.counts.unread === 1")
    assert await other.evaluate("tidings.cursor") != before


async def test_a_page_whose_worker_cannot_be_loaded_shares_by_taking_turns(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("404",)
    await visitor.context.add_init_script("""SharedWorker = class extends SharedWorker {
        constructor(url, options) { super(new URL("none.js", url), options); }
    };""")
    before = await connection_count(tidings)
    tabs = [await (await visitor.open_tab("amira", share="worker")).until_live() for _ in range(2)]

    await tidings.emit(make_announcement("amira", title="all the same"))
    for tab in tabs:
        await tab.wait_until("tidings.counts.unread === 1")

    assert await connection_count(tidings) == before + 1


async def test_a_worker_that_dies_is_missed_and_its_tabs_go_on_without_it(
    visitor: Visitor, tidings: Tidings
) -> None:
    tabs = [await (await visitor.open_tab("amira", share="worker")).until_live() for _ in range(2)]

    await _end_workers(visitor)
    await tidings.emit(make_announcement("amira", title="after it"))

    for tab in tabs:
        await tab.wait_until("tidings.counts.unread === 1 && tidings.state === 'live'")
        assert await tab.shown_titles() == ["after it"]


async def test_a_page_that_is_put_aside_and_taken_out_again_has_what_came_meanwhile(
    visitor: Visitor, tidings: Tidings
) -> None:
    tab = await (await visitor.open_tab("amira")).until_live()
    before = await connection_count(tidings)
    await tab.evaluate(
        "void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
    )
    await until_connections(tidings, before - 1)
    await tidings.emit(make_announcement("amira", title="meanwhile"))

    await tab.evaluate(
        "void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    )

    await tab.wait_until("tidings.counts.unread === 1 && tidings.state === 'live'")
    assert [
        each["notification"]["title"] for each in await tab.reported_events("notification")
    ] == ["meanwhile"]


async def _end_workers(visitor: Visitor) -> None:
    """End the shared workers, as a browser does that runs out of memory."""
    assert visitor.context.browser
    session = await visitor.context.browser.new_browser_cdp_session()
    targets = (await session.send("Target.getTargets"))["targetInfos"]
    workers = [each["targetId"] for each in targets if each["type"] == "shared_worker"]
    assert workers
    for each in workers:
        await session.send("Target.closeTarget", {"targetId": each})
    await session.detach()


async def _freeze(visitor: Visitor, tab: Tab) -> None:
    """Stop a page's scripts, as browsers do with pages that are hidden for long."""
    session = await visitor.context.new_cdp_session(tab.page)
    await session.send("Debugger.enable")
    await session.send("Debugger.pause")
