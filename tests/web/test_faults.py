"""Faults of browsers, networks and servers: afterwards everything is shown once, in order."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from itertools import pairwise

from playwright.async_api import Response, Route
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.ports import find_free_port
from tests.web.titles import emit_titles
from tests.web.visitor import Tab, Visitor
from tests.web_processes import run_web

RELOADS = 6
AWAY = 500
SHIFT_MILLISECONDS = 86_400_000
SHOWN = "tidings.notifications.map(({ id, read }) => [id, Boolean(read)])"


def numbered_titles(count: int) -> list[str]:
    """Return numbered titles."""
    return [f"number {number}" for number in range(count)]


async def test_a_page_that_is_reloaded_at_any_moment_misses_nothing(
    visitor: Visitor, tidings: Tidings
) -> None:
    titles = numbered_titles(20 * RELOADS)
    page = (await (await visitor.open_tab("amira")).until_live()).page

    telling = asyncio.create_task(emit_in_batches(tidings, titles))
    for _ in range(RELOADS):
        await asyncio.sleep(random.uniform(0, 0.2))  # at any moment
        await page.reload()
        await visitor.connect_page(page, "amira")
    await telling
    await Tab(page).wait_until(
        f"tidings.state === 'live' && tidings.counts.total === {len(titles)}"
    )

    while not await page.evaluate("tidings.complete"):
        await page.evaluate("tidings.more(100)")
    assert await page.evaluate("tidings.notifications.map((it) => it.title)") == titles[::-1]


async def emit_in_batches(tidings: Tidings, titles: list[str]) -> None:
    for start in range(0, len(titles), 20):
        await emit_titles(tidings, *titles[start : start + 20])
        await asyncio.sleep(0.1)


async def test_after_500_missed_all_arrive_in_order_and_offline_marks_are_sent(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("ERR_INTERNET_DISCONNECTED",)
    await emit_titles(tidings, "before", "and before that")
    tab = await (await visitor.open_tab("amira", share="locks")).until_live()
    await visitor.context.set_offline(True)
    await tab.evaluate("tidings.disconnect(), tidings.connect()")
    await tab.wait_until("tidings.state === 'offline' && tidings.retryAt")

    await tab.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
    offline = await tab.evaluate(
        "[tidings.counts.unread, tidings.notifications.length, tidings.pending.length]"
    )
    await emit_titles(tidings, *numbered_titles(AWAY))
    await visitor.context.set_offline(False)
    await tab.wait_until(
        f"tidings.state === 'live' && tidings.counts.total === {AWAY + 2}"
        " && !tidings.pending.length"
    )

    assert offline == [1, 2, 1]
    assert (await tab.shown_titles())[: AWAY + 2] == [
        *reversed(numbered_titles(AWAY)),
        "and before that",
        "before",
    ]
    assert [
        each["notification"]["title"] for each in await tab.reported_events("notification")
    ] == numbered_titles(AWAY)
    assert await tab.evaluate("tidings.counts.unread") == AWAY + 1
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == AWAY + 1


async def outlive_tokens(tab: Tab, tidings: Tidings) -> None:
    """Wait until every token issued up to now has expired."""
    await tab.wait_until(f"Date.now() > {1000 * (time.time() + tidings.token_seconds)}")


async def test_a_token_that_ends_is_renewed_without_the_connection_ending(
    visitor: Visitor, tidings: Tidings
) -> None:
    tidings.token_seconds = 4
    tab = await (await visitor.open_tab("amira")).until_live()
    connected = await tab.reported_events("state")

    await outlive_tokens(tab, tidings)
    await emit_titles(tidings, "after")
    await tab.wait_until("tidings.counts.unread === 1")

    assert await tab.reported_events("state") == connected


async def test_a_token_that_ended_while_the_page_slept_is_renewed_before_it_connects(
    visitor: Visitor, tidings: Tidings
) -> None:
    tidings.token_seconds = 2
    tab = await (await visitor.open_tab("amira", share="off")).until_live()
    await tab.evaluate("tidings.disconnect()")
    await outlive_tokens(tab, tidings)

    await tab.evaluate("tidings.connect()")
    await tab.until_live()

    assert "signed out" not in [each["state"] for each in await tab.reported_events("state")]


async def test_a_page_without_a_token_is_signed_out_and_comes_back_when_there_is_one(
    visitor: Visitor, tidings: Tidings
) -> None:
    page = await visitor.open_page()
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
    visitor.expected_errors = (
        "ERR_CONNECTION_REFUSED",
        "ERR_CONNECTION_RESET",
        "ERR_SOCKET_NOT_CONNECTED",
        "WebSocket",
    )
    port = find_free_port()
    async with AsyncExitStack() as stack:
        async with run_web(chosen, port=port) as first:
            tab = await (await visitor.open_tab("amira", url=first.url)).until_live()
            await emit_titles(tidings, "before")
            await tab.wait_until("tidings.counts.unread === 1")
            first.kill()
            await tab.wait_until("tidings.state !== 'live'")
            await emit_titles(tidings, "meanwhile", "and again")

        await stack.enter_async_context(run_web(chosen, port=port))
        await tab.wait_until("tidings.state === 'live' && tidings.counts.unread === 3")

    assert await tab.shown_titles() == ["and again", "meanwhile", "before"]
    assert (await tab.reported_events("caughtup"))[-1]["replayed"] == 2


async def test_marks_that_are_too_many_at_once_wait_as_long_as_they_are_told_to(
    visitor: Visitor, tidings: Tidings, chosen: Settings
) -> None:
    visitor.expected_errors = ("429",)
    await emit_titles(tidings, *numbered_titles(8))
    async with run_web(chosen, request_rate="4/4") as edge:
        tab = await (await visitor.open_tab("amira", url=edge.url, share="off")).until_live()
        answers = list[tuple[float, int, float]]()

        def record(response: Response) -> None:
            if "/mark" in response.url:
                answers.append(answer_times(response))

        tab.page.on("response", record)
        await tab.evaluate("tidings.notifications.forEach((it) => tidings.mark('read', [it.id]))")
        await tab.wait_until("!tidings.pending.length && tidings.counts.unread === 0")
        told_so = await tab.reported_events("refused")
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


def answer_times(response: Response) -> tuple[float, int, float]:
    """Return the time, the status and the seconds to wait."""
    return time.monotonic(), response.status, float(response.headers.get("retry-after", 0))


async def test_two_devices_mark_at_once_and_end_up_the_same(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, *numbered_titles(30))
    tab = await (await visitor.open_tab("amira")).until_live()
    phone = await (await tidings.connect("amira")).live()
    ids = await tab.evaluate("tidings.notifications.map((it) => it.id)")

    await asyncio.gather(
        tab.evaluate(
            """tidings.notifications.slice(0, 20).forEach(({ id }, index) =>
                tidings.mark(index % 2 ? "read" : "archived", [id]))"""
        ),
        *(
            phone.send({"type": "mark", "op": f"phone-{place}", "state": "unread", "ids": [each]})
            for place, each in enumerate(ids[10:25])
        ),
    )
    await tab.wait_until("!tidings.pending.length && tidings.counts.total === 20")
    server = await tidings.get("/v1/notifications", "amira", limit=100)
    shown = [[each["id"], "read" in each] for each in server["notifications"]]
    await tab.wait_until(
        f"JSON.stringify({SHOWN}) === '{json.dumps(shown, separators=(',', ':'))}'"
    )

    assert await tab.evaluate("tidings.counts") == server["counts"]
    assert await tab.reported_events("refused") == []


async def test_over_a_slow_network_everything_comes_all_the_same(
    visitor: Visitor, tidings: Tidings
) -> None:
    tab = await visitor.open_tab("amira", share="off")
    session = await visitor.context.new_cdp_session(tab.page)
    slow = {
        "offline": False,
        "latency": 400,
        "downloadThroughput": 20_000,
        "uploadThroughput": 5_000,
    }
    await session.send("Network.emulateNetworkConditions", slow)
    await tab.evaluate("tidings.disconnect(), tidings.connect()")
    await tab.until_live()

    await emit_titles(tidings, *numbered_titles(60))
    await tab.wait_until("tidings.counts.total === 60")
    await tab.evaluate("tidings.markAll()")
    await tab.wait_until("!tidings.pending.length")

    assert await tab.shown_titles() == numbered_titles(60)[::-1]
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == 0


async def test_a_clock_that_is_wrong_by_a_day_changes_nothing(
    visitor: Visitor, tidings: Tidings
) -> None:
    shift = random.choice((-SHIFT_MILLISECONDS, SHIFT_MILLISECONDS))
    await visitor.context.add_init_script(
        f"{{ const now = Date.now; Date.now = () => now() + {shift}; }}"
    )
    tidings.token_seconds = 600
    await emit_titles(tidings, "one", "two")
    tab = await (await visitor.open_tab("amira", share="off")).until_live()

    off = await tab.evaluate("tidings.now - Date.now()")
    await tab.evaluate(
        """tidings.mark("snoozed", [tidings.notifications[0].id], {
            until: new Date(tidings.now + 2000).toISOString(),
        })"""
    )
    hidden = await tab.shown_titles()
    await tab.wait_until("tidings.notifications.length === 2")

    assert abs(off + shift) < 20_000
    assert hidden == ["one"]
    assert await tab.reported_events("refused") == []


async def test_where_storage_is_refused_it_works_until_the_page_is_closed(
    visitor: Visitor, tidings: Tidings
) -> None:
    await visitor.context.add_init_script(
        "IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError'); }"
    )
    await emit_titles(tidings, "one")
    first, second = [
        await (await visitor.open_tab("amira", share="locks")).until_live() for _ in range(2)
    ]

    await second.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
    await first.wait_until("tidings.counts.unread === 0 && !tidings.pending.length")
    await first.page.close()
    await emit_titles(tidings, "two")
    await second.wait_until("tidings.counts.total === 2")

    assert await second.shown_titles() == ["two", "one"]


async def test_a_cursor_that_cannot_be_replayed_is_reset_and_the_page_says_so(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "one", "two")
    tab = await (await visitor.open_tab("amira", share="off")).until_live()
    await tab.evaluate("tidings.disconnect()")
    await tab.evaluate("""new Promise((resolve) => {
        const { tenant } = JSON.parse(atob(window.shown.split(".")[1]));
        const opening = indexedDB.open(`tidings ${location.origin} ${tenant}/amira`);
        opening.onsuccess = () => {
            const table = opening.result.transaction("state", "readwrite").objectStore("state");
            table.get("saved").onsuccess = ({ target }) =>
                table.put({ ...target.result, cursor: "00000000-7" }, "saved");
            table.transaction.oncomplete = () => resolve(opening.result.close());
        };
    })""")

    await tab.page.reload()
    await visitor.connect_page(tab.page, "amira", share="off")
    await tab.until_live()

    assert [each["reason"] for each in await tab.reported_events("reset")] == ["epoch"]
    assert await tab.shown_titles() == ["two", "one"]
    assert await tab.evaluate("tidings.counts.unread") == 2


async def test_without_websocket_the_stream_is_used_and_without_the_stream_the_log(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("ERR_FAILED", "WebSocket")
    asked: list[str] = []

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await visitor.context.add_init_script("""WebSocket = class extends WebSocket {
        constructor(url) { super(url.replace("/v1/socket", "/none")); }
    };""")
    streamed = await (await visitor.open_tab("amira", share="off")).until_live()
    await emit_titles(tidings, "by stream")
    await streamed.wait_until("tidings.counts.unread === 1")
    await visitor.context.route("**/v1/stream**", refuse)
    asking = await (await visitor.open_tab("amira", share="off", account="another")).until_live()

    assert await asking.shown_titles() == ["by stream"]
    assert len(asked) == 1


async def test_by_the_log_too_what_was_missed_is_news_and_what_a_first_visit_brings_is_not(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "before")
    tab = await (await visitor.open_tab("amira", share="off", transports=["log"])).until_live()
    await tab.evaluate("tidings.disconnect()")
    await emit_titles(tidings, "missed")
    await tab.evaluate("void tidings.connect()")
    await tab.wait_until("tidings.counts.unread === 2 && tidings.state === 'live'")

    assert [
        each["notification"]["title"] for each in await tab.reported_events("notification")
    ] == ["missed"]
    assert [each["replayed"] for each in await tab.reported_events("caughtup")] == [0, 1]


async def test_what_the_edge_refuses_is_rolled_back_and_said(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("409",)
    await emit_titles(tidings, "one")
    tab = await (await visitor.open_tab("amira")).until_live()

    await tab.evaluate(
        "tidings.mark('snoozed', [tidings.notifications[0].id], { until: '2020-01-01T00:00:00Z' })"
    )
    await tab.wait_until(
        "heard.some((each) => each.event === 'refused') && !tidings.pending.length"
    )

    assert "until" in (await tab.reported_events("refused"))[0]["error"]
    assert await tab.shown_titles() == ["one"]


async def test_a_deletion_can_be_taken_back_and_is_sent_once_it_cannot(
    visitor: Visitor, tidings: Tidings
) -> None:
    await emit_titles(tidings, "one", "two")
    tab = await (await visitor.open_tab("amira", undo=300)).until_live()

    back = await tab.evaluate(
        """[
            tidings.undo(tidings.mark("deleted", [tidings.notifications[0].id])),
            tidings.counts.total,
        ]"""
    )
    archived = await tab.evaluate("tidings.mark('archived', [tidings.notifications[1].id])")
    await tab.wait_until("!tidings.pending.length && tidings.counts.total === 1")
    await tab.evaluate(f"tidings.undo('{archived}')")
    await tab.evaluate("tidings.mark('deleted', [tidings.notifications[0].id])")
    await tab.wait_until("!tidings.pending.length")

    assert back == [True, 2]
    assert [each["title"] for each in await tidings.list_all("amira")] == ["one"]


async def test_whoever_signs_out_leaves_nothing_behind(visitor: Visitor, tidings: Tidings) -> None:
    await emit_titles(tidings, "private")
    tab, other = [await (await visitor.open_tab("amira")).until_live() for _ in range(2)]

    await tab.evaluate("tidings.signOut()")
    await other.wait_until("tidings.state === 'offline' && !tidings.notifications.length")
    kept = await tab.evaluate("""(async () => {
        const found = [];
        const finished = (request) =>
            new Promise((done) => (request.onsuccess = () => done(request.result)));
        for (const { name } of await indexedDB.databases()) {
            const database = await finished(indexedDB.open(name));
            for (const table of database.objectStoreNames) {
                const all = database.transaction(table).objectStore(table).getAll();
                found.push(...(await finished(all)));
            }
        }
        return found;
    })()""")

    assert kept == []
