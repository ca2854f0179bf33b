"""Signals: short-lived messages to the connected members of a relation; nothing is stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tidings.contracts.subjects import DEAD_LETTERS, EVENTS, NOTIFICATIONS
from tidings.runtime.log.state import stream_state

from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import ROOM, add_team, make_driver_at, wait_until_routed
from tests.builders import make_announcement, make_event
from tests.driver import WAIT_SECONDS, Client, Tidings
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("calm")


async def send_signal(client: Client, name: str = "typing", to: str = ROOM, **fields: Any) -> None:
    await client.send({"type": "signal", "to": to, "name": name, **fields})


async def send_until_accepted(client: Client, name: str) -> None:
    """Repeat a signal until it is not refused: a mark sent after it is answered after its error."""
    # The result of this mark comes after every earlier refusal.
    await client.mark("seen", up_to=client.cursor)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            before = len(client.frames)
            await send_signal(client, name)
            await client.mark("seen", up_to=client.cursor)
            if all(frame["type"] != "error" for frame in client.frames[before:]):
                return


async def wait_until_refused(tidings: Tidings, user: str) -> None:
    """Wait until the edge, which caches members for a moment, refuses a user."""
    headers = tidings.headers(user)

    async def is_refused() -> bool:
        answer = await tidings.http.get("/v1/presence", params={"relation": ROOM}, headers=headers)
        return answer.status_code == 403

    await wait_until(is_refused)


async def post_signal(tidings: Tidings, user: str, **body: Any) -> httpx.Response:
    return await tidings.http.post(
        "/v1/signals", json={"to": ROOM, "name": "typing", **body}, headers=tidings.headers(user)
    )


async def read_signals(client: Client, count: int = 1) -> list[tuple[str, str]]:
    """Return the senders and names of the next signals."""
    return [
        (frame["from"], frame["name"])
        for frame in [await client.next("signal") for _ in range(count)]
    ]


async def read_event_lines(lines: AsyncIterator[str]) -> list[str]:
    """Return the lines of the next server-sent event."""
    event: list[str] = []
    while line := await anext(lines):
        event.append(line)
    return event


async def connect_users(tidings: Tidings, *users: str, way: str = "connect") -> list[Client]:
    return [await (await getattr(tidings, way)(user)).live() for user in users]


async def test_a_signal_reaches_the_members_on_every_edge_except_the_sending_connection(
    tidings: Tidings, other: Tidings
) -> None:
    await add_team(tidings, "ann", "bob", "cho")
    ann, tab_of_ann, bob = await connect_users(tidings, "ann", "ann", "bob")
    (stream_of_ann,) = await connect_users(other, "ann", way="stream")
    (cho,) = await connect_users(other, "cho", way="stream")

    await send_signal(ann, data={"in": "task:4", "deep": [{"é": None}]})
    frames = [await client.next("signal") for client in (tab_of_ann, bob, stream_of_ann, cho)]
    await send_signal(bob, "stopped")

    assert all(frame == frames[0] for frame in frames)
    assert frames[0].keys() == {"type", "from", "to", "name", "data", "at"}
    assert (frames[0]["from"], frames[0]["to"], frames[0]["data"]) == (
        "ann",
        ROOM,
        {"in": "task:4", "deep": [{"é": None}]},
    )
    assert await read_signals(ann) == [("bob", "stopped")]


async def test_a_client_of_an_event_stream_posts_its_signals(tidings: Tidings) -> None:
    await add_team(tidings, "ann", "bob")
    ann, tab_of_ann = await connect_users(tidings, "ann", "ann", way="stream")
    (bob,) = await connect_users(tidings, "bob")

    response = await post_signal(tidings, "ann", connection=ann.frames[0]["connection"])
    await send_signal(bob, "stopped")

    assert response.status_code == 202
    assert await read_signals(bob) == [("ann", "typing")]
    assert await read_signals(tab_of_ann, 2) == [("ann", "typing"), ("bob", "stopped")]
    assert await read_signals(ann) == [("bob", "stopped")]


async def test_only_members_send_and_receive_the_signals_of_a_relation(
    tidings: Tidings, other: Tidings
) -> None:
    await add_team(tidings, "ann", "bob")
    await add_team(tidings, "eve", "ann", project="2")
    async with make_driver_at(tidings, other.url, f"{tidings.tenant}.x") as foreign:
        await add_team(foreign, "ann", "bob")
        ann, bob, eve = await connect_users(tidings, "ann", "bob", "eve")
        (foreigner,) = await connect_users(foreign, "bob")

        await send_signal(eve, "intruding")
        refusal = await eve.next("error")
        response = await post_signal(tidings, "eve", name="intruding")
        await send_signal(ann)
        await send_signal(ann, "ends", to="project:2#member")
        await post_signal(foreign, "ann", name="foreign")

        assert (refusal["code"], refusal["retry"]) == ("forbidden", False)
        check_problem(response, 403)
        assert await read_signals(bob) == [("ann", "typing")]
        assert await read_signals(eve) == [("ann", "ends")]
        assert await read_signals(foreigner) == [("ann", "foreign")]
        await tidings.emit(make_announcement("ann", "bob", "eve"))
        for client in (ann, bob, eve):
            await client.until(1)
            assert sum(frame["type"] == "signal" for frame in client.frames) <= 1


async def test_a_user_who_left_neither_sends_nor_receives_signals(
    tidings: Tidings, other: Tidings
) -> None:
    await add_team(tidings, "ann", "bob", "cho")
    ann, bob = await connect_users(tidings, "ann", "bob")
    (cho,) = await connect_users(other, "cho")
    await send_signal(ann, "before")
    assert await read_signals(bob) == await read_signals(cho) == [("ann", "before")]

    await tidings.emit(
        make_event("team_member.removed", project_id="1", user_id="bob", role="member")
    )
    await wait_until_routed(tidings)
    await wait_until_refused(tidings, "bob")
    await send_signal(ann, "after")
    await send_signal(bob, "still_here")

    assert (await bob.next("error", "signal"))["type"] == "error"
    assert await read_signals(cho) == [("ann", "after")]


async def test_too_many_signals_are_refused_and_later_ones_accepted(tidings: Tidings) -> None:
    await add_team(tidings, "ann", "bob", "cho")
    ann, bob = await connect_users(tidings, "ann", "bob")

    for number in range(40):
        await send_signal(ann, f"n{number}")
    refusal = await ann.next("error")
    statuses = [(await post_signal(tidings, "cho", name="posted")).status_code for _ in range(30)]
    await send_until_accepted(ann, "later")

    assert (refusal["code"], refusal["retry"]) == ("rate_limited", True)
    assert 429 in statuses and statuses[:10] == [202] * 10
    names = []
    while names[-1:] != ["later"]:
        names += [name for _, name in await read_signals(bob)]
    numbered_names = [name for name in names if name.startswith("n")]
    assert numbered_names == [f"n{number}" for number in range(len(numbered_names))]
    assert 10 <= len(numbered_names) < 30 and 10 <= names.count("posted") < 30


async def test_signals_are_not_stored_and_move_no_cursor(tidings: Tidings) -> None:
    await add_team(tidings, "ann", "bob")
    ann, bob = await connect_users(tidings, "ann", "bob")
    streams = (EVENTS, NOTIFICATIONS, DEAD_LETTERS)
    before, cursor = (
        [await stream_state(tidings.runtime.jetstream, name) for name in streams],
        bob.cursor,
    )

    await ann.send({"type": "watch", "op": "1", "relation": ROOM})
    assert (await ann.next("presence"))["whole"]
    for _ in range(5):
        await send_signal(ann)
    await read_signals(bob, 5)

    assert [await stream_state(tidings.runtime.jetstream, name) for name in streams] == before
    assert bob.cursor == cursor
    stream = await (await tidings.stream("bob", cursor)).live()
    assert stream.entries == [] and not any(frame["type"] == "signal" for frame in stream.frames)


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
async def test_an_invalid_signal_is_refused(tidings: Tidings, body: dict[str, Any]) -> None:
    await add_team(tidings, "ann")

    check_problem(await post_signal(tidings, "ann", **body), 400, 413)


async def test_a_signal_on_a_stream_is_an_event_without_an_id(tidings: Tidings) -> None:
    await add_team(tidings, "ann", "bob")
    async with tidings.http.stream(
        "GET", "/v1/stream", headers=tidings.headers("bob"), timeout=20
    ) as response:
        lines = response.aiter_lines()
        while await anext(lines) != "event: live":
            pass
        assert (await post_signal(tidings, "ann", data={"line": "a\nb\r\n\n"})).status_code == 202

        event = [""]
        while "event: signal" not in event:
            event = await read_event_lines(lines)

    assert [line.partition(": ")[0] for line in event] == ["event", "data"]
    assert json.loads(event[1].removeprefix("data: "))["data"] == {"line": "a\nb\r\n\n"}
