"""What a browser keeps for the next visit: failing storage, pending marks, another person."""

from __future__ import annotations

from typing import Any

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web.titles import emit_titles
from tests.web.visitor import Tab, Visitor

UNSAVED = 250  # more than fit into one frame

FORGET_ALL = """(async () => {
    for (const { name } of await indexedDB.databases())
        await new Promise((done) => (indexedDB.deleteDatabase(name).onsuccess = done));
})()"""
FULL = """void (IDBDatabase.prototype.transaction = new Proxy(IDBDatabase.prototype.transaction, {
    apply(open, database, [names, mode]) {
        const transaction = open.apply(database, [names, mode]);
        if (mode === "readwrite") transaction.abort();
        return transaction;
    },
}))"""
COUNT_FEWEST = """void tidings.addEventListener("change", () => {
    window.fewest = Math.min(window.fewest ?? Infinity, tidings.notifications.length);
})"""


async def reload_tab(visitor: Visitor, tab: Tab, user: str = "amira", **options: Any) -> Tab:
    """Reload a tab, and wait until it is live."""
    await tab.page.reload()
    await visitor.connect_page(tab.page, user, **options)
    return await tab.until_live()


async def test_after_the_site_s_data_was_cleared_a_reload_shows_everything(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "one", "two")
    tab = await (await visitor.open_tab("amira", share="off")).until_live()
    await tab.wait_until("tidings.counts.total === 2")

    await tab.evaluate(FORGET_ALL)
    for count, title in enumerate(("three", "four"), 3):
        await emit_titles(tidings, title)
        await tab.wait_until(f"tidings.counts.total === {count}")
    await reload_tab(visitor, tab, share="off")

    assert await tab.shown_titles() == ["four", "three", "two", "one"]
    assert await tab.evaluate("tidings.complete")


async def test_a_tab_that_replaces_a_leader_without_storage_reports_nothing_twice(
    visitor: Visitor, tidings: Tidings
) -> None:
    missed = [f"number {number}" for number in range(UNSAVED)]
    await emit_titles(tidings, "one")
    first = await (await visitor.open_tab("amira", share="locks")).until_live()
    await first.wait_until("tidings.counts.total === 1")
    await first.evaluate(FULL)
    second = await (await visitor.open_tab("amira", share="locks")).until_live()
    await emit_titles(tidings, *missed)
    await second.wait_until(f"tidings.counts.total === {1 + UNSAVED}")
    await second.evaluate(COUNT_FEWEST)

    await first.page.close()
    await emit_titles(tidings, "after")
    await second.wait_until(f"tidings.counts.total === {2 + UNSAVED} && tidings.state === 'live'")

    assert [
        each["notification"]["title"] for each in await second.reported_events("notification")
    ] == [
        *missed,
        "after",
    ]
    assert await second.shown_titles() == ["after", *reversed(missed), "one"]
    assert await second.evaluate("window.fewest") >= UNSAVED + 1


async def test_a_mark_made_in_the_moment_of_leaving_is_sent_on_the_next_visit(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "one", "two")
    tab = await (await visitor.open_tab("amira", undo=500)).until_live()
    await tab.wait_until("tidings.counts.total === 2")
    await tab.evaluate("tidings.disconnect()")
    await tab.evaluate(
        """(([first, second]) => {
            tidings.mark("read", [second.id]);
            tidings.mark("deleted", [first.id]);
        })(tidings.notifications)"""
    )

    await reload_tab(visitor, tab)
    await tab.wait_until("!tidings.pending.length && tidings.counts.total === 1")

    assert [(each["title"], "read" in each) for each in await tidings.list_all("amira")] == [
        ("one", True)
    ]


async def test_marks_made_away_are_sent_in_the_order_of_their_making_while_another_tab_leads(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "one", "two", "three", "four", "five")
    tab, other = [await (await visitor.open_tab("amira")).until_live() for _ in range(2)]
    await tab.wait_until("tidings.counts.total === 5")
    await tab.evaluate("tidings.disconnect()")
    await tab.evaluate(
        """for (const { id } of tidings.notifications)
            for (const state of ["read", "unread"]) tidings.mark(state, [id])"""
    )

    await tab.evaluate("tidings.connect()")
    await tab.wait_until("tidings.state === 'live' && !tidings.pending.length")
    await other.wait_until(
        "!tidings.pending.length && tidings.counts.unread === 5 && tidings.counts.unseen === 0"
    )

    assert [("seen" in each, "read" in each) for each in await tidings.list_all("amira")] == [
        (True, False)
    ] * 5


async def test_marks_that_one_person_could_not_send_are_never_sent_as_the_next_one(
    visitor: Visitor, tidings: Tidings
) -> None:
    await tidings.emit(
        make_announcement("bram", title="his own"), make_announcement("amira", title="hers")
    )
    tab = await (await visitor.open_tab("amira", account="of this browser")).until_live()
    await tab.wait_until("tidings.counts.total === 1")
    await tab.evaluate("tidings.disconnect()")
    await tab.evaluate("tidings.markAll('archived')")

    await reload_tab(visitor, tab, "bram", account="of this browser")
    await tab.wait_until("!tidings.pending.length && tidings.user === 'bram'")

    assert await tab.shown_titles() == ["his own"]
    assert (await tidings.get("/v1/counts", "bram"))["total"] == 1


CONNECT_BY_COOKIE = """async (share) => {
    const { connect } = await import("/web/client.js");
    window.heard = [];
    window.tidings = connect({ account: "of this browser", share });
}"""


async def test_with_a_cookie_a_page_shows_its_own_person_when_tenant_or_person_changed(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("410",)

    async def sign_in(tenant: str, user: str) -> None:
        value = tidings.token(user, tenant=tenant)
        await visitor.context.add_cookies(
            [{"name": "tidings_token", "value": value, "url": tidings.url}]
        )

    async def open_tab(share: str) -> Tab:
        page = await visitor.open_page()
        await page.evaluate(CONNECT_BY_COOKIE, share)
        return Tab(page)

    async with Tidings(tidings.url, None) as rival:
        await emit_titles(tidings, "hers")
        await emit_titles(rival, "the other tenant's")
        await sign_in(tidings.tenant, "amira")
        tab = await (await open_tab("locks")).until_live()
        await tab.wait_until("tidings.counts.total === 1")
        await tab.evaluate("tidings.disconnect()")
        await tab.evaluate("tidings.markAll('archived')")

        await sign_in(rival.tenant, "amira")
        await tab.evaluate("void tidings.connect()")
        await tab.wait_until(f"tidings.tenant === '{rival.tenant}' && tidings.state === 'live'")
        after_change = [await tab.shown_titles(), await tab.evaluate("tidings.pending.length")]
        await sign_in(tidings.tenant, "amira")
        other = await open_tab("locks")
        for each in (other, tab):
            await each.wait_until(
                f"tidings.tenant === '{tidings.tenant}' && tidings.state === 'live'"
                " && tidings.counts.total === 1"
            )

        assert after_change == [["the other tenant's"], 0]
        assert await other.shown_titles() == await tab.shown_titles() == ["hers"]
        assert (await rival.get("/v1/counts", "amira"))["total"] == 1
