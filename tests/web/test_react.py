"""React hooks in strict mode, which mounts everything twice: one connection, closed at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect

from tests.acceptance.rooms import wait_until_routed
from tests.builders import make_announcement, make_event
from tests.driver import WAIT_SECONDS, Tidings
from tests.web.products import open_product
from tests.web.visitor import Visitor

HYDRATE = """async (props) => {
    const { createElement, hydrateRoot, renderToString } = await import("react");
    const { default: Shop } = await import("/pages/shop.js");
    root.unmount();
    const place = document.body.appendChild(document.createElement("div"));
    place.innerHTML = window.markup = renderToString(createElement(Shop, props));
    hydrateRoot(place, createElement(Shop, props));
}"""
SIGN_IN = """async (token) => {
    const { createElement } = await import("react");
    const { default: Shop } = await import("/pages/shop.js");
    root.render(createElement(Shop, { token }));
}"""


async def until_connections(tidings: Tidings, count: int, user: str = "alice") -> None:
    """Wait until a user, the only one at a location, has a number of connections."""
    location = f"{tidings.tenant}-{user}"
    await tidings.emit(
        make_event("location.staff_joined", identifier=location, location_id=location, user_id=user)
    )
    await wait_until_routed(tidings)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            status = (await tidings.http.get("/api/v1/ws/status")).json()
            if status["connections"]["by_location"].get(location, 0) == count:
                return
            await asyncio.sleep(0.1)


async def open_shop(visitor: Visitor, pages: Path) -> Page:
    """Open a page with a provider and two components inside it, live."""
    page = await open_product(visitor, pages, "shop")
    await expect(page.locator("#status")).to_have_text("live alice")
    return page


async def test_all_components_share_one_connection_and_each_is_told_once(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_shop(visitor, pages)

    await tidings.emit(make_announcement("alice", title="one"))
    await expect(page.locator("#first, #second")).to_have_text(["1", "1"])
    await page.wait_for_function("calls.length === 8")

    calls = await page.evaluate("calls")
    for name in ("first", "second"):
        told = [each for each in calls if each.startswith(name)]
        assert told == [
            f"{name} connects",
            f"{name} counts 0",
            f"{name} hears one",
            f"{name} counts 1",
        ]
    await until_connections(tidings, 1)


async def test_the_last_component_closes_the_connection_and_the_next_continues_from_there(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_shop(visitor, pages)
    await page.locator("#open").click()
    await until_connections(tidings, 0)
    await tidings.emit(make_announcement("alice", title="meanwhile"))

    await page.locator("#open").click()
    await expect(page.locator("#first")).to_have_text("1")
    await until_connections(tidings, 1)

    await page.wait_for_function(
        "calls.filter((each) => each.endsWith('hears meanwhile')).length === 2"
    )


async def test_nothing_is_rendered_again_when_nothing_has_changed_and_functions_stay_the_same(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_shop(visitor, pages)
    await tidings.emit(make_announcement("alice", title="one"))
    await page.wait_for_function("calls.length === 8")
    before = await page.evaluate("[renders, functions.size]")

    await page.evaluate(
        """for (const name of ["change", "state", "caughtup"])
            client.dispatchEvent(new CustomEvent(name, { detail: {} }))"""
    )
    await page.evaluate(
        "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
    )
    after = await page.evaluate("[renders, functions.size]")
    await tidings.emit(make_announcement("alice", title="two"))
    await expect(page.locator("#first")).to_have_text("2")

    assert after == before
    assert await page.evaluate("renders") > before[0]
    assert await page.evaluate("functions.size") == before[1]


async def test_the_connection_is_shown_in_the_products_words_and_ends_and_begins_when_asked(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_shop(visitor, pages)
    await expect(page.locator("#first.connected")).to_be_visible()

    await page.locator("#first").click()
    await expect(page.locator("#second.disconnected")).to_be_visible()
    await until_connections(tidings, 0)
    await page.locator("#second").click()

    await expect(page.locator("#first.connected")).to_be_visible()
    assert [
        each
        for each in await page.evaluate("calls")
        if each.startswith("first") and "counts" not in each
    ] == [
        "first connects",
        "first disconnects",
        "first connects",
    ]


async def test_what_a_server_rendered_is_taken_over_as_it_is_and_comes_to_life(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    page = await open_shop(visitor, pages)

    await page.evaluate(HYDRATE, {"token": tidings.token("alice")})

    await expect(page.locator("#status")).to_have_text("live alice")
    assert 'id="first" class="disconnected">0</button>' in await page.evaluate("markup")


async def test_whoever_signs_in_is_shown_theirs_and_nobody_else_s(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    await tidings.emit(
        make_announcement("alice"), make_announcement("bob"), make_announcement("bob")
    )
    page = await open_product(visitor, pages, "shop", token="")
    await expect(page.locator("#status")).to_have_text("signed out null")

    for user, unread in (("alice", "1"), ("bob", "2")):
        await page.evaluate(SIGN_IN, tidings.token(user))
        await expect(page.locator("#status")).to_have_text(f"live {user}")
        await expect(page.locator("#first, #second")).to_have_text([unread, unread])

    await until_connections(tidings, 0, "alice")
    await until_connections(tidings, 1, "bob")


async def test_without_a_provider_it_is_enough_that_one_component_says_how_to_connect(
    visitor: Visitor, pages: Path, tidings: Tidings
) -> None:
    await tidings.emit(make_announcement("alice"))

    page = await open_product(visitor, pages, "lone")

    await expect(page.locator("#status")).to_have_text("live alice")
    await expect(page.locator("#unread")).to_have_text("1")
    await until_connections(tidings, 1)
