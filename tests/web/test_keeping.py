"""What a browser keeps for the next visit, and what becomes of it when keeping fails or somebody else comes."""

from __future__ import annotations

from tests.driver import Tidings, hello_to
from tests.web.visitor import Tab, Visitor

UNSAVED = 250  # more than fit into one frame

FORGET_ALL = """(async () => {
    for (const { name } of await indexedDB.databases()) await new Promise((done) => (indexedDB.deleteDatabase(name).onsuccess = done));
})()"""
FULL = """void (IDBDatabase.prototype.transaction = new Proxy(IDBDatabase.prototype.transaction, {
    apply(open, database, [names, mode]) {
        const transaction = open.apply(database, [names, mode]);
        if (mode === "readwrite") transaction.abort();
        return transaction;
    },
}))"""
SHOWN = "void tidings.addEventListener('change', () => (window.fewest = Math.min(window.fewest ?? Infinity, tidings.notifications.length)))"


async def told(tidings: Tidings, *titles: str) -> None:
    """Tell Amira so, and wait until the lists have it."""
    await tidings.emit(*(hello_to("amira", title=title) for title in titles))


async def again(visitor: Visitor, tab: Tab, user: str = "amira", **options: object) -> Tab:
    """The same page, loaded anew."""
    await tab.page.reload()
    await visitor.connect(tab.page, user, **options)
    return await tab.live()


async def test_whoever_clears_the_sites_data_while_a_page_is_open_finds_everything_there_after_a_reload(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, "one", "two")
    tab = await (await visitor.tab("amira", share="off")).live()
    await tab.until("tidings.counts.total === 2")

    await tab.says(FORGET_ALL)
    for count, title in enumerate(("three", "four"), 3):
        await told(tidings, title)
        await tab.until(f"tidings.counts.total === {count}")
    await again(visitor, tab, share="off")

    assert await tab.titles() == ["four", "three", "two", "one"]
    assert await tab.says("tidings.complete")


async def test_a_tab_takes_the_seat_of_one_that_could_save_nothing_and_nobody_is_told_anything_twice(
    visitor: Visitor, tidings: Tidings
) -> None:
    missed = [f"number {number}" for number in range(UNSAVED)]
    await told(tidings, "one")
    first = await (await visitor.tab("amira", share="locks")).live()
    await first.until("tidings.counts.total === 1")
    await first.says(FULL)
    second = await (await visitor.tab("amira", share="locks")).live()
    await told(tidings, *missed)
    await second.until(f"tidings.counts.total === {1 + UNSAVED}")
    await second.says(SHOWN)

    await first.page.close()
    await told(tidings, "after")
    await second.until(f"tidings.counts.total === {2 + UNSAVED} && tidings.state === 'live'")

    assert [each["notification"]["title"] for each in await second.heard("notification")] == [
        *missed,
        "after",
    ]
    assert await second.titles() == ["after", *reversed(missed), "one"]
    assert await second.says("window.fewest") >= UNSAVED + 1


async def test_a_mark_made_in_the_moment_of_leaving_is_sent_on_the_next_visit(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, "one", "two")
    tab = await (await visitor.tab("amira", undo=500)).live()
    await tab.until("tidings.counts.total === 2")
    await tab.says("tidings.disconnect()")
    await tab.says(
        "(tidings.mark('read', [tidings.notifications[1].id]), tidings.mark('deleted', [tidings.notifications[0].id]))"
    )

    await again(visitor, tab)
    await tab.until("!tidings.pending.length && tidings.counts.total === 1")

    assert [(each["title"], "read" in each) for each in await tidings.listing("amira")] == [
        ("one", True)
    ]


async def test_marks_made_away_are_sent_in_the_order_of_their_making_while_another_tab_leads(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, "one", "two", "three", "four", "five")
    tab, other = [await (await visitor.tab("amira")).live() for _ in range(2)]
    await tab.until("tidings.counts.total === 5")
    await tab.says("tidings.disconnect()")
    await tab.says(
        "for (const { id } of tidings.notifications) for (const state of ['read', 'unread']) tidings.mark(state, [id])"
    )

    await tab.says("tidings.connect()")
    await tab.until("tidings.state === 'live' && !tidings.pending.length")
    await other.until(
        "!tidings.pending.length && tidings.counts.unread === 5 && tidings.counts.unseen === 0"
    )

    assert [("seen" in each, "read" in each) for each in await tidings.listing("amira")] == [
        (True, False)
    ] * 5


async def test_marks_that_one_person_could_not_send_are_never_sent_as_the_next_one(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(hello_to("bram", title="his own"), hello_to("amira", title="hers"))
    tab = await (await visitor.tab("amira", account="of this browser")).live()
    await tab.until("tidings.counts.total === 1")
    await tab.says("tidings.disconnect()")
    await tab.says("tidings.markAll('archived')")

    await again(visitor, tab, "bram", account="of this browser")
    await tab.until("!tidings.pending.length && tidings.user === 'bram'")

    assert await tab.titles() == ["his own"]
    assert (await tidings.get("/v1/counts", "bram"))["total"] == 1
