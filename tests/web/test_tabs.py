"""The tabs of a browser share one connection, and whoever holds it may go."""

from __future__ import annotations

import pytest

from tests.driver import Tidings, hello_to
from tests.web.visitor import Tab, Visitor

TABS = 10


async def connections(tidings: Tidings) -> int:
    """How many connections the edge has of all its people."""
    lines = (await tidings.http.get("/metrics")).text.splitlines()
    return int(float(next(line for line in lines if line.startswith("tidings_connections ")).split()[1]))


@pytest.mark.parametrize("share", ["worker", "locks"])
async def test_ten_tabs_have_one_connection_and_say_the_same(visitor: Visitor, tidings: Tidings, share: str) -> None:
    before = await connections(tidings)
    tabs = [await visitor.tab("amira", share=share) for _ in range(TABS)]
    for tab in tabs:
        await tab.live()

    await tidings.emit(*(hello_to("amira", title=f"number {number}") for number in range(5)))
    for tab in tabs:
        await tab.until("tidings.notifications.length === 5 && tidings.counts.unread === 5")

    assert await connections(tidings) == before + 1
    assert len({str(await tab.titles()) for tab in tabs}) == 1


async def test_a_tab_that_holds_the_connection_is_closed_and_another_goes_on_from_there(visitor: Visitor, tidings: Tidings) -> None:
    first = await (await visitor.tab("amira", share="locks")).live()
    others = [await (await visitor.tab("amira", share="locks")).live() for _ in range(2)]
    await tidings.emit(hello_to("amira", title="before"))
    await others[0].until("tidings.counts.unread === 1")

    await first.page.close()
    await tidings.emit(hello_to("amira", title="meanwhile"))

    for tab in others:
        await tab.until("tidings.counts.unread === 2 && tidings.state === 'live'")
        assert await tab.titles() == ["meanwhile", "before"]
        assert [each["notification"]["title"] for each in await tab.heard("notification")] == ["before", "meanwhile"]


async def test_a_tab_that_froze_while_it_held_the_connection_does_not_keep_the_others_waiting(visitor: Visitor, tidings: Tidings) -> None:
    frozen = await (await visitor.tab("amira", share="locks")).live()
    other = await (await visitor.tab("amira", share="locks")).live()
    before = await other.says("tidings.cursor")

    await _freeze(visitor, frozen)
    await tidings.emit(hello_to("amira", title="while it was frozen"))

    await other.until("tidings.counts.unread === 1")
    assert await other.says("tidings.cursor") != before


async def _freeze(visitor: Visitor, tab: Tab) -> None:
    """Have a page run no more script, as browsers do with pages that are out of sight for long."""
    session = await visitor.context.new_cdp_session(tab.page)
    await session.send("Debugger.enable")
    await session.send("Debugger.pause")
