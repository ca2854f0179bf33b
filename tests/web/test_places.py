"""Strict policies, other origins, silent networks, and edges that are replaced."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.metrics_page import read_metrics
from tests.nginx import run_nginx
from tests.ports import find_free_port
from tests.web.visitor import Tab, Visitor
from tests.web_processes import WebProcess, run_web

LIVE_UNDER_OUR_POLICY = """async (token) => {
    const [{ connect }] = await Promise.all([import("/web/client.js"), import("/web/elements.js")]);
    const tidings = connect({ getToken: () => token });
    for (const name of ["tidings-bell", "tidings-inbox"])
        document.body.append(document.createElement(name));
    await new Promise((resolve) => tidings.addEventListener("caughtup", resolve));
    tidings.mark("read", [tidings.notifications[0].id]);
    await new Promise((resolve) =>
        tidings.addEventListener("change", () => tidings.pending.length || resolve()));
    return [tidings.state, tidings.counts.unread];
}"""


SUBJECTS = Subjects(16)
EVEN = range(0, SUBJECTS.partitions, 2)
NETWORK = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def user_of_edge(tidings: Tidings, *, here: bool = True) -> str:
    """Return a user whom the edge below serves, or one whom it does not."""
    return next(
        name
        for name in map(str, range(100))
        if (SUBJECTS.partition_of(Person(tidings.tenant, name)) in EVEN) is here
    )


BY_PARTITION = """location / {
    set $edge here;
    if ($arg_partition) { set $edge there; }
    proxy_pass http://$edge;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_buffering off;
}"""
"""A proxy that leads requests with a partition to another edge."""


@pytest.fixture(scope="module")
async def edge(chosen: Settings) -> AsyncIterator[WebProcess]:
    """Start an edge that serves half of the people, and allows pages of another origin."""
    port = find_free_port()
    served = ",".join(map(str, EVEN))
    async with run_web(
        chosen, port=port, allowed_origins=f"http://localhost:{port}", edge_partitions=served
    ) as running:
        yield running


async def test_under_our_own_strict_policy_the_client_and_the_elements_run(
    chromium: Browser, tidings: Tidings
) -> None:
    await tidings.emit(make_announcement("amira", title="one"))
    await tidings.wait_for_counts("amira", total=1)
    context = await chromium.new_context()
    visitor = Visitor(context, tidings)
    page = await visitor.open_page()

    found = await page.evaluate(LIVE_UNDER_OUR_POLICY, tidings.token("amira"))

    assert found == ["live", 0]
    assert visitor.unexpected_errors == []
    await context.close()


async def test_pages_of_another_origin_take_the_client_from_the_edge_and_share_one_connection(
    visitor: Visitor, tidings: Tidings, edge: WebProcess
) -> None:
    shop = edge.url.replace("127.0.0.1", "localhost")
    user = user_of_edge(tidings)
    await tidings.emit(make_announcement(user, title="one"))
    tabs = [Tab(await visitor.open_page(url=shop)) for _ in range(2)]

    for tab in tabs:
        await visitor.connect_page(tab.page, user, edge=edge.url)
        await tab.wait_until("tidings.state === 'live' && tidings.counts.unread === 1")
    await tabs[1].evaluate("tidings.mark('read', [tidings.notifications[0].id])")
    await tabs[0].wait_until("tidings.counts.unread === 0 && !tidings.pending.length")

    assert (await read_metrics(edge.url)).value("tidings_connections") == 1
    assert (
        await tabs[0].evaluate(
            "tidings.list({ state: 'unread' }).then(({ notifications }) => notifications)"
        )
        == []
    )


async def test_a_connection_that_falls_silent_is_given_up_for_another_one(
    visitor: Visitor, tidings: Tidings
) -> None:
    tab = await (await visitor.open_tab("amira", share="off")).until_live()
    session = await visitor.context.new_cdp_session(tab.page)

    await session.send("Network.emulateNetworkConditions", {**NETWORK, "downloadThroughput": 1})
    await tidings.emit(make_announcement("amira", title="while it was silent"))
    await tab.wait_until("tidings.state !== 'live'")
    await session.send("Network.emulateNetworkConditions", NETWORK)
    await tab.wait_until("tidings.state === 'live' && tidings.counts.unread === 1")

    assert [
        each["notification"]["title"] for each in await tab.reported_events("notification")
    ] == ["while it was silent"]


async def test_whoever_comes_back_to_a_page_need_not_wait_until_a_dead_connection_is_missed(
    visitor: Visitor, tidings: Tidings, edge: WebProcess
) -> None:
    user = user_of_edge(tidings)
    tab = await (await visitor.open_tab(user, url=edge.url, share="off")).until_live()

    os.kill(edge.pid, signal.SIGSTOP)
    try:
        await tab.evaluate("void dispatchEvent(new Event('online'))")
        await tab.wait_until("tidings.state !== 'live'")
    finally:
        os.kill(edge.pid, signal.SIGCONT)
    await tab.until_live()

    await tab.evaluate("void dispatchEvent(new Event('online'))")
    await tidings.emit(make_announcement(user, title="and one that is well goes on"))
    await tab.wait_until("tidings.counts.unread === 1")
    assert (
        len([each for each in await tab.reported_events("state") if each["state"] == "live"]) == 2
    )


async def test_an_edge_that_makes_room_for_another_one_is_left_without_being_offline(
    visitor: Visitor, tidings: Tidings, chosen: Settings
) -> None:
    port = find_free_port()
    async with run_web(chosen, port=port, reuse_port=True, drain_timeout_seconds=1) as old:
        tab = await (await visitor.open_tab("amira", url=old.url)).until_live()
        async with run_web(chosen, port=port, reuse_port=True):
            os.kill(old.pid, signal.SIGTERM)
            await tab.wait_until("heard.filter((each) => each.state === 'live').length === 2")
            await tidings.emit(make_announcement("amira", title="by the new one"))
            await tab.wait_until("tidings.counts.unread === 1")

            assert "offline" not in [each["state"] for each in await tab.reported_events("state")]


async def test_whose_session_is_revoked_is_signed_out_and_asks_no_more(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("401", "403")
    page = await visitor.open_page()
    await page.evaluate(
        """async (token) => {
        const { connect } = await import("/web/client.js");
        window.asked = 0;
        window.tidings = connect({ getToken: () => ((asked += 1), token), minimumDelay: 20 });
    }""",
        tidings.token("amira"),
    )
    await page.wait_for_function("tidings.state === 'live'")

    await tidings.emit(make_event("session.revoked", user_id="amira"))
    await page.wait_for_function("tidings.state === 'signed out'")

    assert await page.evaluate("[asked <= 4, tidings.retryAt]") == [True, None]


async def test_a_user_of_another_edge_is_led_there_with_all_that_they_do(
    visitor: Visitor, tidings: Tidings, edge: WebProcess, tmp_path: Path
) -> None:
    visitor.expected_errors = ("421",)
    user = user_of_edge(tidings, here=False)
    await tidings.emit(make_announcement(user, title="one"))

    upstreams = {
        name: at.removeprefix("http://")
        for name, at in (("here", edge.url), ("there", tidings.url))
    }
    async with run_nginx(tmp_path, upstreams, BY_PARTITION) as url:
        tab = await (
            await visitor.open_tab(user, url=url, share="off", transports=["stream"])
        ).until_live()
        await tab.wait_until("tidings.counts.unread === 1")
        await tab.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
        await tab.wait_until("!tidings.pending.length && tidings.counts.unread === 0")

        assert await tab.evaluate(
            "tidings.list({}).then(({ notifications }) => notifications.map((it) => it.title))"
        ) == ["one"]
        await tab.evaluate("tidings.close()")
    assert (await tidings.get("/v1/counts", user))["unread"] == 0
