"""What all dialects have from the core: nothing is lost while away, however it comes; tokens in the address, and how they end."""

from __future__ import annotations

from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.company import beside
from tests.acceptance.frontends import CHAT, INCIDENTS, SOCKETS, FrontEnd, front_end, until_sent
from tests.acceptance.refused import refused
from tests.driver import Tidings, hello_to
from tests.webs import web


def titles(page: FrontEnd) -> list[str]:
    """Of the notifications that a page was told, in order."""
    found = (
        frame["data"].get("notification", frame["data"]) for frame in page.heard if "data" in frame
    )
    return [data["title"] for data in found if "title" in data]


async def until_titles(page: FrontEnd, *expected: str) -> None:
    """Read until so many have come, and a bit more; they are these."""
    while len(titles(page)) < len(expected):
        await page.next()
    await page.all()
    assert titles(page) == [*expected]


@pytest.mark.parametrize("path", SOCKETS)
async def test_whoever_was_away_is_brought_what_came_meanwhile_and_nothing_twice(
    tidings: Tidings, path: str
) -> None:
    await tidings.emit(hello_to("alice", title="before"))
    async with front_end(tidings, path) as page:
        await until_titles(page, "before")
        page.drop()
    await tidings.emit(*(hello_to("alice", title=f"away {number}") for number in range(3)))
    async with front_end(tidings, path) as again:
        await until_titles(again, "away 0", "away 1", "away 2")
        await tidings.emit(hello_to("alice", title="live"))
        await until_titles(again, "away 0", "away 1", "away 2", "live")

    async with front_end(tidings, path) as third:
        await until_titles(third)


async def test_what_was_read_meanwhile_is_not_brought_as_new(tidings: Tidings) -> None:
    await tidings.emit(*(hello_to("alice", title=str(number)) for number in range(2)))
    found = await tidings.eventually("alice", total=2) and await tidings.listing("alice")
    await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "read", "ids": [found[0]["id"]]},
        headers=tidings.headers("alice"),
    )

    async with front_end(tidings, INCIDENTS) as page:
        await until_titles(page, "0")


async def test_what_any_connection_was_sent_is_known_on_other_edges_and_after_the_end_of_its_own(
    tidings: Tidings, chosen: Settings
) -> None:
    async with web(chosen) as edge, beside(tidings, edge.url) as elsewhere:
        canonical = await (await elsewhere.connect("bob")).live()
        await tidings.emit(hello_to("alice", "bob", title="seen"))
        await canonical.until(1)
        async with (
            front_end(elsewhere, CHAT) as page,
            front_end(elsewhere, CHAT, "bob") as beside_canonical,
        ):
            await until_titles(page, "seen")
            await until_titles(beside_canonical)
            sent = await until_sent(tidings, "alice")
    await tidings.emit(hello_to("alice", "bob", title="missed"))

    async with (
        front_end(tidings, INCIDENTS) as page,
        front_end(tidings, INCIDENTS, "bob") as of_bob,
    ):
        await until_titles(page, "missed")
        await until_titles(of_bob, "missed")
    assert await until_sent(tidings, "alice", sent) > sent


async def test_a_client_that_names_a_cursor_is_told_cursors_and_goes_on_from_one(
    tidings: Tidings,
) -> None:
    await tidings.emit(hello_to("alice", title="0"), hello_to("alice", title="1"))
    async with front_end(tidings, INCIDENTS, cursor="") as page:
        await until_titles(page, "0", "1")
        cursor = page.heard[-2]["cursor"]
    await tidings.emit(hello_to("alice", title="2"))

    for _ in range(2):
        async with front_end(tidings, INCIDENTS, cursor=cursor) as again:
            await until_titles(again, "2")
    async with front_end(tidings, INCIDENTS, cursor="0123abcd-7") as strange:
        await until_titles(strange)


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_token_in_the_address_is_taken_or_the_close_code_says_why_not(
    tidings: Tidings, path: str
) -> None:
    codes = list[int]()
    for token in ("", "forged", tidings.token("alice", scope="emit")):
        async with front_end(tidings, path, token=token) as page:
            codes.append(await page.code())

    assert codes == [4001, 4002, 4003]
    refused(await tidings.http.get(path, headers=tidings.headers("alice")), 426)


async def test_a_page_ends_with_its_token(tidings: Tidings) -> None:
    async with front_end(tidings, CHAT, token=tidings.token("alice", seconds=2)) as page:
        await page.all()

        assert await page.code() == 4002


async def test_only_the_dialects_take_a_token_from_the_address(tidings: Tidings) -> None:
    async with front_end(tidings, "/v1/socket") as page:
        assert await page.code() == 4001


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "nonsense", ["nonsense", "[]", "{}", '{"type":"dance"}', b"\xff\x00"], ids=repr
)
async def test_nonsense_is_answered_and_the_page_goes_on(
    tidings: Tidings, path: str, nonsense: str | bytes
) -> None:
    async with front_end(tidings, path) as page:
        await page.send(nonsense)
        answer: dict[str, Any] = await page.next("error")

        assert answer["data"]["message"].startswith("bad frame: ")
        assert (await page.all())[-1] == {"type": "pong"}
