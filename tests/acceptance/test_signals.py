"""Signals: what people say of the moment to those connected of a room; nobody else hears it, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tidings.contracts.subjects import DEAD, EVENTS, NOTIFICATIONS
from tidings.runtime.follow import state

from tests.acceptance.company import ROOM, beside, settled, team
from tests.acceptance.refused import refused
from tests.driver import Client, Tidings, event, hello_to

pytestmark = pytest.mark.usefixtures("calm")


async def say(client: Client, name: str = "typing", to: str = ROOM, **more: Any) -> None:
    await client.send({"type": "signal", "to": to, "name": name, **more})


async def post(tidings: Tidings, user: str, **body: Any) -> httpx.Response:
    return await tidings.http.post(
        "/v1/signals", json={"to": ROOM, "name": "typing", **body}, headers=tidings.headers(user)
    )


async def heard(client: Client, count: int = 1) -> list[tuple[str, str]]:
    """From whom came the next signals, and which they are."""
    return [
        (frame["from"], frame["name"])
        for frame in [await client.next("signal") for _ in range(count)]
    ]


async def block(lines: AsyncIterator[str]) -> list[str]:
    """The lines of the next event."""
    found: list[str] = []
    while line := await anext(lines):
        found.append(line)
    return found


async def connected(tidings: Tidings, *users: str, way: str = "connect") -> list[Client]:
    return [await (await getattr(tidings, way)(user)).live() for user in users]


async def test_a_signal_reaches_those_of_the_room_on_every_edge_but_not_the_connection_it_came_from(
    tidings: Tidings, other: Tidings
) -> None:
    await team(tidings, "ann", "bob", "cho")
    ann, tab_of_ann, bob = await connected(tidings, "ann", "ann", "bob")
    (stream_of_ann,) = await connected(other, "ann", way="stream")
    (cho,) = await connected(other, "cho", way="stream")

    await say(ann, data={"in": "task:4", "deep": [{"é": None}]})
    frames = [await client.next("signal") for client in (tab_of_ann, bob, stream_of_ann, cho)]
    await say(bob, "stopped")

    assert all(frame == frames[0] for frame in frames)
    assert frames[0].keys() == {"type", "from", "to", "name", "data", "at"}
    assert (frames[0]["from"], frames[0]["to"], frames[0]["data"]) == (
        "ann",
        ROOM,
        {"in": "task:4", "deep": [{"é": None}]},
    )
    assert await heard(ann) == [("bob", "stopped")]


async def test_who_cannot_send_a_frame_posts_a_signal(tidings: Tidings) -> None:
    await team(tidings, "ann", "bob")
    ann, tab_of_ann = await connected(tidings, "ann", "ann", way="stream")
    (bob,) = await connected(tidings, "bob")

    response = await post(tidings, "ann", connection=ann.seen[0]["connection"])
    await say(bob, "stopped")

    assert response.status_code == 202
    assert await heard(bob) == [("ann", "typing")]
    assert await heard(tab_of_ann, 2) == [("ann", "typing"), ("bob", "stopped")]
    assert await heard(ann) == [("bob", "stopped")]


async def test_nobody_outside_the_room_says_or_hears_anything_in_it(
    tidings: Tidings, other: Tidings
) -> None:
    await team(tidings, "ann", "bob")
    await team(tidings, "eve", "ann", project="2")
    async with beside(tidings, other.url, f"{tidings.tenant}.x") as foreign:
        await team(foreign, "ann", "bob")
        ann, bob, eve = await connected(tidings, "ann", "bob", "eve")
        (foreigner,) = await connected(foreign, "bob")

        await say(eve, "intruding")
        refusal = await eve.next("error")
        response = await post(tidings, "eve", name="intruding")
        await say(ann)
        await say(ann, "ends", to="project:2#member")
        await post(foreign, "ann", name="foreign")

        assert (refusal["code"], refusal["retry"]) == ("forbidden", False)
        refused(response, 403)
        assert await heard(bob) == [("ann", "typing")]
        assert await heard(eve) == [("ann", "ends")]
        assert await heard(foreigner) == [("ann", "foreign")]
        await tidings.emit(hello_to("ann", "bob", "eve"))
        for client in (ann, bob, eve):
            await client.until(1)
            assert sum(frame["type"] == "signal" for frame in client.seen) <= 1


async def test_who_has_left_the_room_hears_and_says_nothing_more_in_it(
    tidings: Tidings, other: Tidings
) -> None:
    await team(tidings, "ann", "bob", "cho")
    ann, bob = await connected(tidings, "ann", "bob")
    (cho,) = await connected(other, "cho")
    await say(ann, "before")
    assert await heard(bob) == await heard(cho) == [("ann", "before")]

    await tidings.emit(event("team_member.removed", project_id="1", user_id="bob", role="member"))
    await settled(tidings)
    await asyncio.sleep(2.1)
    await say(ann, "after")
    await say(bob, "still_here")

    assert (await bob.next("error", "signal"))["type"] == "error"
    assert await heard(cho) == [("ann", "after")]


async def test_whoever_says_too_much_is_told_so_and_may_go_on_later(tidings: Tidings) -> None:
    await team(tidings, "ann", "bob")
    ann, bob = await connected(tidings, "ann", "bob")

    for number in range(40):
        await say(ann, f"n{number}")
    refusal = await ann.next("error")
    statuses = [(await post(tidings, "ann", name="posted")).status_code for _ in range(30)]
    await asyncio.sleep(0.5)
    await say(ann, "later")

    assert (refusal["code"], refusal["retry"]) == ("rate_limited", True)
    assert 429 in statuses and statuses[:10] == [202] * 10
    told = []
    while told[-1:] != ["later"]:
        told += [name for _, name in await heard(bob)]
    numbered = [name for name in told if name.startswith("n")]
    assert numbered == [f"n{number}" for number in range(len(numbered))]
    assert 10 <= len(numbered) < 30 and 10 <= told.count("posted") < 30


async def test_nothing_of_it_is_stored_and_no_cursor_moves(tidings: Tidings) -> None:
    await team(tidings, "ann", "bob")
    ann, bob = await connected(tidings, "ann", "bob")
    streams = (EVENTS, NOTIFICATIONS, DEAD)
    before, cursor = [await state(tidings.runtime.jetstream, name) for name in streams], bob.cursor

    await ann.send({"type": "watch", "op": "1", "relation": ROOM})
    assert (await ann.next("presence"))["whole"]
    for _ in range(5):
        await say(ann)
    await heard(bob, 5)

    assert [await state(tidings.runtime.jetstream, name) for name in streams] == before
    assert bob.cursor == cursor
    stream = await (await tidings.stream("bob", cursor)).live()
    assert stream.entries == [] and not any(frame["type"] == "signal" for frame in stream.seen)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Typing"},
        {"to": "project:1"},
        {"to": ""},
        {"data": {"x": "y" * 1100}},
        {"data": [1]},
        {"connection": ""},
        {"name": "x" * 9000},
    ],
    ids=lambda body: str(body)[:30],
)
async def test_a_signal_that_makes_no_sense_is_refused(
    tidings: Tidings, body: dict[str, Any]
) -> None:
    await team(tidings, "ann")

    refused(await post(tidings, "ann", **body), 400, 413)


async def test_a_signal_on_a_stream_is_an_event_without_an_id(tidings: Tidings) -> None:
    await team(tidings, "ann", "bob")
    async with tidings.http.stream(
        "GET", "/v1/stream", headers=tidings.headers("bob"), timeout=20
    ) as response:
        lines = response.aiter_lines()
        while await anext(lines) != "event: live":
            pass
        assert (await post(tidings, "ann", data={"line": "a\nb\r\n\n"})).status_code == 202

        event = [""]
        while "event: signal" not in event:
            event = await block(lines)

    assert [line.partition(": ")[0] for line in event] == ["event", "data"]
    assert json.loads(event[1].removeprefix("data: "))["data"] == {"line": "a\nb\r\n\n"}
