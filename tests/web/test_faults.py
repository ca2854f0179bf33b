"""What befalls a browser, and what its client shows afterwards: all of it, in order, once."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from itertools import pairwise

from playwright.async_api import Response, Route
from tidings.runtime.data_directory import PORTS, free
from tidings.runtime.settings import Settings

from tests.driver import Tidings, hello_to
from tests.web.visitor import Tab, Visitor
from tests.webs import web

RELOADS = 6
AWAY = 500
SHIFT_MILLISECONDS = 86_400_000


def titled(count: int) -> list[str]:
    """So many titles, in order."""
    return [f"number {number}" for number in range(count)]


async def told(tidings: Tidings, titles: list[str]) -> None:
    """Tell Amira so."""
    await tidings.emit(*(hello_to("amira", title=title) for title in titles))


async def test_a_page_that_is_reloaded_at_any_moment_misses_nothing(
    visitor: Visitor, tidings: Tidings
) -> None:
    titles = titled(20 * RELOADS)
    page = (await (await visitor.tab("amira")).live()).page

    telling = asyncio.create_task(_slowly(tidings, titles))
    for _ in range(RELOADS):
        await asyncio.sleep(random.uniform(0, 0.2))  # at any moment
        await page.reload()
        await visitor.connect(page, "amira")
    await telling
    await Tab(page).until(f"tidings.state === 'live' && tidings.counts.total === {len(titles)}")

    while not await page.evaluate("tidings.complete"):
        await page.evaluate("tidings.more(100)")
    assert await page.evaluate("tidings.notifications.map((it) => it.title)") == titles[::-1]


async def _slowly(tidings: Tidings, titles: list[str]) -> None:
    for start in range(0, len(titles), 20):
        await told(tidings, titles[start : start + 20])
        await asyncio.sleep(0.1)


async def test_whoever_was_offline_for_500_gets_them_in_order_and_what_they_marked_meanwhile_is_sent(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected = ("ERR_INTERNET_DISCONNECTED",)
    await told(tidings, ["before", "and before that"])
    tab = await (await visitor.tab("amira", share="locks")).live()
    await visitor.context.set_offline(True)
    await tab.says("tidings.disconnect(), tidings.connect()")
    await tab.until("tidings.state === 'offline' && tidings.retryAt")

    await tab.says("tidings.mark('read', [tidings.notifications[0].id])")
    offline = await tab.says(
        "[tidings.counts.unread, tidings.notifications.length, tidings.pending.length]"
    )
    await told(tidings, titled(AWAY))
    await visitor.context.set_offline(False)
    await tab.until(
        f"tidings.state === 'live' && tidings.counts.total === {AWAY + 2} && !tidings.pending.length"
    )

    assert offline == [1, 2, 1]
    assert (await tab.titles())[: AWAY + 2] == [
        *reversed(titled(AWAY)),
        "and before that",
        "before",
    ]
    assert [each["notification"]["title"] for each in await tab.heard("notification")] == titled(
        AWAY
    )
    assert await tab.says("tidings.counts.unread") == AWAY + 1
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == AWAY + 1


async def test_a_token_that_ends_is_renewed_without_the_connection_ending(
    visitor: Visitor, tidings: Tidings
) -> None:
    tidings.token_seconds = 4
    tab = await (await visitor.tab("amira")).live()
    connected = await tab.heard("state")

    await asyncio.sleep(6)  # longer than the first token lasts
    await told(tidings, ["after"])
    await tab.until("tidings.counts.unread === 1")

    assert await tab.heard("state") == connected


async def test_a_token_that_ended_while_the_page_slept_is_renewed_before_it_connects(
    visitor: Visitor, tidings: Tidings
) -> None:
    tidings.token_seconds = 2
    tab = await (await visitor.tab("amira", share="off")).live()
    await tab.says("tidings.disconnect()")
    await asyncio.sleep(3)  # longer than the token lasts

    await tab.says("tidings.connect()")
    await tab.live()

    assert "signed out" not in [each["state"] for each in await tab.heard("state")]


async def test_a_page_without_a_token_is_signed_out_and_comes_back_when_there_is_one(
    visitor: Visitor, tidings: Tidings
) -> None:
    page = await visitor.page()
    await page.evaluate("""async () => {
        const { connect } = await import("/web/client.js");
        window.shown = null;
        window.tidings = connect({ getToken: () => window.shown, account: "amira" });
    }""")
    await page.wait_for_function("tidings.state === 'signed out'")

    await page.evaluate(
        "(token) => { window.shown = token; tidings.connect(); }", tidings.token("amira")
    )

    await page.wait_for_function("tidings.state === 'live' && tidings.user === 'amira'")


async def test_the_server_is_killed_and_comes_back(
    visitor: Visitor, tidings: Tidings, chosen: Settings
) -> None:
    visitor.expected = (
        "ERR_CONNECTION_REFUSED",
        "ERR_CONNECTION_RESET",
        "ERR_SOCKET_NOT_CONNECTED",
        "WebSocket",
    )
    port = next(port for port in random.sample(PORTS, 100) if free(port))
    async with AsyncExitStack() as stack:
        async with web(chosen, port=port) as first:
            tab = await (await visitor.tab("amira", url=first.url)).live()
            await told(tidings, ["before"])
            await tab.until("tidings.counts.unread === 1")
            first.kill()
            await tab.until("tidings.state !== 'live'")
            await told(tidings, ["meanwhile", "and again"])

        await stack.enter_async_context(web(chosen, port=port))
        await tab.until("tidings.state === 'live' && tidings.counts.unread === 3")

    assert await tab.titles() == ["and again", "meanwhile", "before"]
    assert (await tab.heard("caughtup"))[-1]["replayed"] == 2


async def test_marks_that_are_too_many_at_once_wait_as_long_as_they_are_told_to(
    visitor: Visitor, tidings: Tidings, chosen: Settings
) -> None:
    visitor.expected = ("429",)
    await told(tidings, titled(8))
    async with web(chosen, request_rate="4/4") as edge:
        tab = await (await visitor.tab("amira", url=edge.url, share="off")).live()
        answers = list[tuple[float, int, float]]()
        tab.page.on(
            "response", lambda each: "/mark" in each.url and answers.append(_answered(each))
        )
        await tab.says("tidings.notifications.forEach((it) => tidings.mark('read', [it.id]))")
        await tab.until("!tidings.pending.length && tidings.counts.unread === 0")
        told_so = await tab.heard("refused")
        await tab.page.close()

    refusals = [
        (at, seconds, later)
        for (at, status, seconds), (later, *_) in pairwise(answers)
        if status == 429
    ]
    assert refusals
    assert all(later - at > 0.8 * seconds for at, seconds, later in refusals), answers
    assert [status for _, status, _ in answers].count(200) == 8
    assert told_so == []


def _answered(response: Response) -> tuple[float, int, float]:
    """When, with which status, and how long to wait."""
    return time.monotonic(), response.status, float(response.headers.get("retry-after", 0))


async def test_two_devices_mark_at_once_and_end_up_the_same(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, titled(30))
    tab = await (await visitor.tab("amira")).live()
    phone = await (await tidings.connect("amira")).live()
    ids = await tab.says("tidings.notifications.map((it) => it.id)")

    await asyncio.gather(
        tab.says(
            "tidings.notifications.slice(0, 20).forEach((it, place) => tidings.mark(place % 2 ? 'read' : 'archived', [it.id]))"
        ),
        *(
            phone.send({"type": "mark", "op": f"phone-{place}", "state": "unread", "ids": [each]})
            for place, each in enumerate(ids[10:25])
        ),
    )
    await tab.until("!tidings.pending.length && tidings.counts.total === 20")
    server = await tidings.get("/v1/notifications", "amira", limit=100)
    shown = [[each["id"], "read" in each] for each in server["notifications"]]
    await tab.until(
        f"JSON.stringify(tidings.notifications.map((it) => [it.id, Boolean(it.read)])) === '{json.dumps(shown, separators=(',', ':'))}'"
    )

    assert await tab.says("tidings.counts") == server["counts"]
    assert await tab.heard("refused") == []


async def test_over_a_slow_network_everything_comes_all_the_same(
    visitor: Visitor, tidings: Tidings
) -> None:
    tab = await visitor.tab("amira", share="off")
    session = await visitor.context.new_cdp_session(tab.page)
    slow = {
        "offline": False,
        "latency": 400,
        "downloadThroughput": 20_000,
        "uploadThroughput": 5_000,
    }
    await session.send("Network.emulateNetworkConditions", slow)
    await tab.says("tidings.disconnect(), tidings.connect()")
    await tab.live()

    await told(tidings, titled(60))
    await tab.until("tidings.counts.total === 60")
    await tab.says("tidings.markAll()")
    await tab.until("!tidings.pending.length")

    assert await tab.titles() == titled(60)[::-1]
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == 0


async def test_a_clock_that_is_wrong_by_a_day_changes_nothing(
    visitor: Visitor, tidings: Tidings
) -> None:
    shift = random.choice((-SHIFT_MILLISECONDS, SHIFT_MILLISECONDS))
    await visitor.context.add_init_script(
        f"{{ const now = Date.now; Date.now = () => now() + {shift}; }}"
    )
    tidings.token_seconds = 600
    await told(tidings, ["one", "two"])
    tab = await (await visitor.tab("amira", share="off")).live()

    off = await tab.says("tidings.now - Date.now()")
    await tab.says(
        "tidings.mark('snoozed', [tidings.notifications[0].id], { until: new Date(tidings.now + 2000).toISOString() })"
    )
    hidden = await tab.titles()
    await tab.until("tidings.notifications.length === 2")

    assert abs(off + shift) < 20_000
    assert hidden == ["one"]
    assert await tab.heard("refused") == []


async def test_where_storage_is_refused_it_works_until_the_page_is_closed(
    visitor: Visitor, tidings: Tidings
) -> None:
    await visitor.context.add_init_script(
        "IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError'); }"
    )
    await told(tidings, ["one"])
    first, second = [await (await visitor.tab("amira", share="locks")).live() for _ in range(2)]

    await second.says("tidings.mark('read', [tidings.notifications[0].id])")
    await first.until("tidings.counts.unread === 0 && !tidings.pending.length")
    await first.page.close()
    await told(tidings, ["two"])
    await second.until("tidings.counts.total === 2")

    assert await second.titles() == ["two", "one"]


async def test_a_cursor_that_cannot_be_replayed_is_reset_and_the_page_says_so(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, ["one", "two"])
    tab = await (await visitor.tab("amira", share="off")).live()
    await tab.says("tidings.disconnect()")
    await tab.says("""new Promise((resolve) => {
        const opening = indexedDB.open(`tidings ${location.origin} ${JSON.parse(atob(window.shown.split(".")[1])).tenant}/amira`);
        opening.onsuccess = () => {
            const table = opening.result.transaction("state", "readwrite").objectStore("state");
            table.get("saved").onsuccess = ({ target }) => table.put({ ...target.result, cursor: "00000000-7" }, "saved");
            table.transaction.oncomplete = () => resolve(opening.result.close());
        };
    })""")

    await tab.page.reload()
    await visitor.connect(tab.page, "amira", share="off")
    await tab.live()

    assert [each["reason"] for each in await tab.heard("reset")] == ["epoch"]
    assert await tab.titles() == ["two", "one"]
    assert await tab.says("tidings.counts.unread") == 2


async def test_where_no_websocket_passes_it_takes_the_stream_and_where_no_stream_passes_it_asks_for_the_log(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected = ("ERR_FAILED", "WebSocket")
    asked: list[str] = []

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await visitor.context.add_init_script("""WebSocket = class extends WebSocket {
        constructor(url) { super(url.replace("/v1/socket", "/none")); }
    };""")
    streamed = await (await visitor.tab("amira", share="off")).live()
    await told(tidings, ["by stream"])
    await streamed.until("tidings.counts.unread === 1")
    await visitor.context.route("**/v1/stream**", refuse)
    asking = await (await visitor.tab("amira", share="off", account="another")).live()

    assert await asking.titles() == ["by stream"]
    assert len(asked) == 1


async def test_by_the_log_too_what_was_missed_is_news_and_what_a_first_visit_brings_is_not(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, ["before"])
    tab = await (await visitor.tab("amira", share="off", transports=["log"])).live()
    await tab.says("tidings.disconnect()")
    await told(tidings, ["missed"])
    await tab.says("void tidings.connect()")
    await tab.until("tidings.counts.unread === 2 && tidings.state === 'live'")

    assert [each["notification"]["title"] for each in await tab.heard("notification")] == ["missed"]
    assert [each["replayed"] for each in await tab.heard("caughtup")] == [0, 1]


async def test_what_the_edge_refuses_is_rolled_back_and_said(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected = ("409",)
    await told(tidings, ["one"])
    tab = await (await visitor.tab("amira")).live()

    await tab.says(
        "tidings.mark('snoozed', [tidings.notifications[0].id], { until: '2020-01-01T00:00:00Z' })"
    )
    await tab.until("heard.some((each) => each.event === 'refused') && !tidings.pending.length")

    assert "until" in (await tab.heard("refused"))[0]["error"]
    assert await tab.titles() == ["one"]


async def test_a_deletion_can_be_taken_back_and_is_sent_once_it_cannot(
    visitor: Visitor, tidings: Tidings
) -> None:
    await told(tidings, ["one", "two"])
    tab = await (await visitor.tab("amira", undo=300)).live()

    back = await tab.says(
        "[tidings.undo(tidings.mark('deleted', [tidings.notifications[0].id])), tidings.counts.total]"
    )
    archived = await tab.says("tidings.mark('archived', [tidings.notifications[1].id])")
    await tab.until("!tidings.pending.length && tidings.counts.total === 1")
    await tab.says(f"tidings.undo('{archived}')")
    await tab.says("tidings.mark('deleted', [tidings.notifications[0].id])")
    await tab.until("!tidings.pending.length")

    assert back == [True, 2]
    assert [each["title"] for each in await tidings.listing("amira")] == ["one"]


async def test_whoever_signs_out_leaves_nothing_behind(visitor: Visitor, tidings: Tidings) -> None:
    await told(tidings, ["private"])
    tab, other = [await (await visitor.tab("amira")).live() for _ in range(2)]

    await tab.says("tidings.signOut()")
    await other.until("tidings.state === 'offline' && !tidings.notifications.length")
    kept = await tab.says("""(async () => {
        const found = [];
        for (const { name } of await indexedDB.databases()) {
            const database = await new Promise((done) => (indexedDB.open(name).onsuccess = ({ target }) => done(target.result)));
            for (const table of database.objectStoreNames) {
                const all = database.transaction(table).objectStore(table).getAll();
                found.push(...(await new Promise((done) => (all.onsuccess = () => done(all.result)))));
            }
        }
        return found;
    })()""")

    assert kept == []
