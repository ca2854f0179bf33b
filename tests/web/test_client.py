"""The client in a real browser: what was missed comes, in order, and every tab says the same."""

from __future__ import annotations

from tests.driver import Tidings, hello_to
from tests.web.visitor import Visitor


async def test_what_is_told_shows_at_once_and_what_was_missed_shows_on_return(visitor: Visitor, tidings: Tidings) -> None:
    tab = await (await visitor.tab("amira")).live()
    await tidings.emit(hello_to("amira", title="one"))
    await tab.until("tidings.counts.unread === 1")
    await tab.says("tidings.disconnect()")
    await tidings.emit(*(hello_to("amira", title=title) for title in ("two", "three")))

    await tab.says("tidings.connect()")
    await tab.until("tidings.state === 'live' && tidings.counts.unread === 3")

    assert await tab.titles() == ["three", "two", "one"]
    assert [(each["notification"]["title"]) for each in await tab.heard("notification")] == ["one", "two", "three"]
    assert (await tab.heard("caughtup"))[-1]["replayed"] == 2


async def test_a_mark_made_in_one_tab_shows_in_the_other_and_on_the_phone(visitor: Visitor, tidings: Tidings) -> None:
    await tidings.emit(hello_to("amira", title="one"), hello_to("amira", title="two"))
    desk, other = [await (await visitor.tab("amira")).live() for _ in range(2)]
    phone = await (await tidings.connect("amira")).live()
    await desk.until("tidings.counts.unread === 2")

    await desk.says("tidings.mark('read', [tidings.notifications[0].id])")
    at_once = await desk.says("tidings.counts.unread")
    await phone.until_counts(unread=1)
    await other.until("tidings.counts.unread === 1 && tidings.pending.length === 0")

    assert at_once == 1
    assert [each["read"] is not None for each in (await tidings.listing("amira", "all")) if each["title"] == "two"] == [True]
