"""All dialects: no loss and no repeat across reconnects, and tokens in the URL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.edge.connection.websocket import FRAME_LIMIT_BYTES
from tidings.edge.delivery.ack_writer import FLUSH_INTERVAL_SECONDS
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import (
    CHAT,
    INCIDENTS,
    SOCKETS,
    FrontEnd,
    open_front_end,
    texts_on,
    wait_until_sent,
)
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web_processes import run_web


def announce(text: object, *users: str) -> dict[str, Any]:
    """Return an event that announces a text to users, by default to Alice."""
    return make_announcement(*(users or ("alice",)), message=str(text))


async def read_until_texts(page: FrontEnd, *texts: str) -> None:
    """Read until this many texts have arrived and nothing is pending; they must be equal."""
    while len(texts_on(page)) < len(texts):
        await page.next()
    await page.read_pending()
    assert texts_on(page) == [*texts]


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_returning_page_gets_what_it_missed_and_nothing_twice(
    tidings: Tidings, path: str
) -> None:
    await tidings.emit(announce("before"))
    async with open_front_end(tidings, path) as page:
        await read_until_texts(page, "before")
        page.drop()
    await tidings.emit(*(announce(f"away {number}") for number in range(3)))
    async with open_front_end(tidings, path) as again:
        await read_until_texts(again, "away 0", "away 1", "away 2")
        await tidings.emit(announce("live"))
        await read_until_texts(again, "away 0", "away 1", "away 2", "live")

    async with open_front_end(tidings, path) as third:
        await read_until_texts(third)


async def test_a_notification_that_was_read_meanwhile_is_not_sent_as_new(tidings: Tidings) -> None:
    await tidings.emit(*(announce(number) for number in range(2)))
    await tidings.wait_for_counts("alice", total=2)
    notifications = await tidings.list_all("alice")
    await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "read", "ids": [notifications[0]["id"]]},
        headers=tidings.headers("alice"),
    )

    async with open_front_end(tidings, INCIDENTS) as page:
        await read_until_texts(page, "0")


async def test_other_edges_know_what_was_sent_after_the_edge_has_stopped(
    tidings: Tidings, chosen: Settings
) -> None:
    async with run_web(chosen) as edge, make_driver_at(tidings, edge.url) as elsewhere:
        canonical = await (await elsewhere.connect("bob")).live()
        await tidings.emit(announce("seen", "alice", "bob"))
        await canonical.until(1)
        async with (
            open_front_end(elsewhere, CHAT) as page,
            open_front_end(elsewhere, CHAT, "bob") as beside_canonical,
        ):
            await read_until_texts(page, "seen")
            await read_until_texts(beside_canonical)
            position = await wait_until_sent(tidings, "alice")
    await tidings.emit(announce("missed", "alice", "bob"))

    async with (
        open_front_end(tidings, INCIDENTS) as page,
        open_front_end(tidings, INCIDENTS, "bob") as page_of_bob,
    ):
        await read_until_texts(page, "missed")
        await read_until_texts(page_of_bob, "missed")
    assert await wait_until_sent(tidings, "alice", position) > position


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_page_closed_by_one_edge_gets_nothing_twice_from_another(
    tidings: Tidings, other: Tidings, path: str
) -> None:
    async with open_front_end(tidings, path) as page:
        await tidings.emit(announce("seen"))
        await read_until_texts(page, "seen")
        await page.send("x" * (FRAME_LIMIT_BYTES + 1))
        assert await page.read_close_code() == CloseCode.BAD_FRAME

    async with open_front_end(other, path) as next_page:
        await tidings.emit(announce("next"))
        await read_until_texts(next_page, "next")


async def test_what_a_page_was_sent_is_logged_as_soon_as_it_disconnects(
    tidings: Tidings, other: Tidings
) -> None:
    position = 0
    # Each edge also flushes at intervals. The limit is two intervals and one edge serves three of
    # the five pages, so that at least one page must be flushed when it disconnects.
    async with asyncio.timeout(2 * FLUSH_INTERVAL_SECONDS):
        for number, driver in enumerate((tidings, other, tidings, other, tidings)):
            async with open_front_end(driver, CHAT) as page:
                await tidings.emit(announce(number))
                await read_until_texts(page, str(number))
            position = await wait_until_sent(tidings, "alice", position)


async def test_a_client_that_sends_a_cursor_gets_cursors_and_resumes_from_one(
    tidings: Tidings,
) -> None:
    await tidings.emit(announce("0"), announce("1"))
    async with open_front_end(tidings, INCIDENTS, cursor="") as page:
        await read_until_texts(page, "0", "1")
        cursor = page.heard[-2]["cursor"]
    await tidings.emit(announce("2"))

    for _ in range(2):
        async with open_front_end(tidings, INCIDENTS, cursor=cursor) as again:
            await read_until_texts(again, "2")
    async with open_front_end(tidings, INCIDENTS, cursor="0123abcd-7") as strange:
        await read_until_texts(strange)


@pytest.mark.parametrize("path", SOCKETS)
async def test_the_answer_to_a_request_without_an_upgrade_demands_one(
    tidings: Tidings, path: str
) -> None:
    check_problem(await tidings.http.get(path, headers=tidings.headers("alice")), 426)


async def test_a_page_is_closed_when_its_token_expires(tidings: Tidings) -> None:
    async with open_front_end(tidings, CHAT, token=tidings.token("alice", seconds=2)) as page:
        await page.read_pending()

        assert await page.read_close_code() == 4002


async def test_only_dialects_accept_a_token_in_the_url(tidings: Tidings) -> None:
    async with open_front_end(tidings, "/v1/socket") as page:
        assert await page.read_close_code() == 4001


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "nonsense", ["nonsense", "[]", "{}", '{"type":"dance"}', b"\xff\x00"], ids=repr
)
async def test_a_malformed_frame_is_answered_and_the_connection_stays_open(
    tidings: Tidings, path: str, nonsense: str | bytes
) -> None:
    async with open_front_end(tidings, path) as page:
        await page.send(nonsense)
        answer: dict[str, Any] = await page.next("error")

        assert answer["data"]["message"].startswith("bad frame: ")
        assert (await page.read_pending())[-1]["type"] == "pong"
