"""Presence: which users are connected, to any edge, for the readers who may know."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import httpx
import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import (
    PRESENCE_SECONDS,
    ROOM,
    add_team,
    make_driver_at,
    wait_until_routed,
)
from tests.builders import make_event
from tests.driver import Client, Tidings
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")


async def read_online(tidings: Tidings, asking: str, **query: Any) -> list[str]:
    """Return the users who are connected, as one user sees it."""
    return (await tidings.get("/v1/presence", asking, **query))["online"]


async def wait_until_online(
    tidings: Tidings, users: list[str], seconds: float = 5.0, **query: Any
) -> float:
    """Ask until exactly these users are connected, and return the seconds it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        # The arrival of gossip has no signal.
        while await read_online(tidings, "ann", **query) != users:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return time.monotonic() - began


class Watcher:
    """Applies presence frames as the protocol requires of clients."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.online: dict[str | None, set[str]] = {}

    async def watch(self, **target: Any) -> dict[str, Any]:
        """Send a watch, and return its result."""
        await self.client.send({"type": "watch", "op": "op", **target})
        while (frame := await self.client.next("result", "presence"))["type"] == "presence":
            self.apply_frame(frame)
        return frame

    async def read_until(self, relation: str | None, *users: str) -> None:
        """Read until exactly these users are online."""
        while self.online.get(relation) != set(users):
            self.apply_frame(await self.client.next("presence"))

    def apply_frame(self, frame: dict[str, Any]) -> None:
        """Apply a presence frame, which must match the current state."""
        online = set() if frame.get("whole") else self.online[frame.get("relation")]
        assert not online & set(frame["online"]) and online >= set(frame.get("offline", ())), (
            online,
            frame,
        )
        self.online[frame.get("relation")] = (online | set(frame["online"])) - set(
            frame.get("offline", ())
        )
        assert frame.keys() <= {"type", "relation", "online", "offline", "whole"}


async def test_every_edge_knows_who_is_connected_to_any_edge(
    tidings: Tidings, other: Tidings
) -> None:
    await add_team(tidings, "ann", "bob", "cho", "dee")

    async with (
        tidings.socket("ann") as ann,
        other.events("bob") as bob,
        other.socket("cho") as cho,
        other.socket("eve") as eve,
    ):
        for client in (ann, bob, cho, eve):
            await client.live()
        for edge in (tidings, other):
            await wait_until_online(edge, ["ann", "bob", "cho"], relation=ROOM)
            await wait_until_online(edge, ["bob", "eve"], user=["bob", "dee", "eve", "nobody"])

    for edge in (tidings, other):
        await wait_until_online(edge, [], relation=ROOM)


async def test_the_users_of_a_killed_edge_go_offline_in_time_and_not_before(
    tidings: Tidings, other: Tidings, chosen: Settings
) -> None:
    async with (
        run_web(chosen, presence_ttl_seconds=PRESENCE_SECONDS) as killed_edge,
        make_driver_at(tidings, killed_edge.url) as there,
    ):
        await (await there.connect("bob")).live()
        await (await other.connect("cho")).live()
        await wait_until_online(other, ["bob", "cho"], user=["bob", "cho"])

        os.kill(killed_edge.pid, signal.SIGKILL)
        took = await wait_until_online(
            other, ["cho"], seconds=PRESENCE_SECONDS + 2, user=["bob", "cho"]
        )

    assert PRESENCE_SECONDS / 2 < took < PRESENCE_SECONDS + 1


async def test_a_new_edge_knows_who_is_online_within_a_second_and_its_users_go_offline_with_it(
    tidings: Tidings, chosen: Settings
) -> None:
    for user in ("ann", "cho"):
        await (await tidings.connect(user)).live()

    async with run_web(chosen) as edge, make_driver_at(tidings, edge.url) as there:
        await wait_until_online(there, ["ann", "cho"], seconds=1, user=["ann", "bob", "cho"])
        await (await there.connect("bob")).live()
        await wait_until_online(tidings, ["bob"], user="bob")

    assert await wait_until_online(tidings, [], user="bob") < 2


async def test_presence_does_not_cross_tenants(tidings: Tidings, other: Tidings) -> None:
    await add_team(tidings, "ann")
    async with make_driver_at(tidings, other.url, f"{tidings.tenant}.x") as foreign:
        await add_team(foreign, "ann", "bob")
        await (await tidings.connect("ann")).live()
        await (await foreign.connect("bob")).live()
        watcher = Watcher(await foreign.connect("ann"))
        await watcher.watch(users=["ann", "bob", "cho"])
        await watcher.read_until(None, "ann", "bob")

        await wait_until_online(tidings, ["ann"], user=["ann", "bob"])
        await (await tidings.connect("cho")).live()
        await wait_until_online(tidings, ["cho"], user="cho")

        assert await read_online(tidings, "ann", relation=ROOM) == ["ann"]
        assert await read_online(foreign, "ann", user=["ann", "bob", "cho"]) == ["ann", "bob"]
        assert await read_online(foreign, "ann", relation=ROOM) == ["ann", "bob"]
        assert watcher.online == {None: {"ann", "bob"}}


async def test_only_members_of_a_relation_and_admins_may_query_its_presence(
    tidings: Tidings,
) -> None:
    await add_team(tidings, "ann", "bob")
    await (await tidings.connect("bob")).live()
    eve = Watcher(await tidings.connect("eve"))

    check_problem(
        await tidings.http.get(
            "/v1/presence", params={"relation": ROOM}, headers=tidings.headers("eve")
        ),
        403,
    )
    result = await eve.watch(relation=ROOM)

    assert (result["ok"], "not a member of" in result["error"], eve.online) == (False, True, {})
    admin = await tidings.http.get(
        "/v1/presence",
        params={"relation": ROOM},
        headers=tidings.headers("eve", scope="inbox admin"),
    )
    assert admin.json() == {"online": ["bob"]}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "user=",
        "user=a&relation=project:1%23member",
        "relation=",
        "relation=project:1",
        "relation=%00%23a",
        "user=%00",
        "user=a%0Ab",
        "&".join(["user=a"] * 201),
        f"relation={'p' * 400}:1%23member",
    ],
    ids=lambda query: query[:30],
)
async def test_an_invalid_query_is_refused(tidings: Tidings, query: str) -> None:
    check_problem(
        await tidings.http.get(f"/v1/presence?{query}", headers=tidings.headers("ann")), 400
    )


@pytest.mark.parametrize("way", ["socket", "stream"])
async def test_a_watcher_gets_each_change_at_any_edge(
    tidings: Tidings, other: Tidings, way: str
) -> None:
    await add_team(tidings, "ann", "bob", "cho")
    if way == "socket":
        watcher = Watcher(await (await tidings.connect("ann")).live())
        cursor = watcher.client.cursor
        assert (await watcher.watch(relation=ROOM))["ok"]
        assert (await watcher.watch(users=["cho", "eve"]))["ok"]
    else:
        watcher = Watcher(await tidings.stream("ann", watch=ROOM, user=["cho", "eve"]))

    async with other.socket("bob") as bob:
        await bob.live()
        await watcher.read_until(ROOM, "ann", "bob")
        async with other.socket("cho") as cho, tidings.socket("eve") as eve:
            await cho.live()
            await eve.live()
            await watcher.read_until(ROOM, "ann", "bob", "cho")
            await watcher.read_until(None, "cho", "eve")
        await watcher.read_until(ROOM, "ann", "bob")
        await watcher.read_until(None)
    await watcher.read_until(ROOM, "ann")
    if way == "socket":
        assert watcher.client.cursor == cursor or any(
            frame["type"] == "entries" for frame in watcher.client.frames
        )
        await watcher.client.send({"type": "unwatch", "op": "done", "relation": ROOM})
        assert (await watcher.client.next("result"))["op"] == "done"
        await (await tidings.connect("bob")).live()
        await (await tidings.connect("eve")).live()
        await watcher.read_until(None, "eve")
        assert watcher.online[ROOM] == {"ann"}


async def test_a_user_who_leaves_a_relation_neither_watches_it_nor_appears_in_it(
    tidings: Tidings,
) -> None:
    await add_team(tidings, "ann", "bob")
    ann, bob = [Watcher(await (await tidings.connect(user)).live()) for user in ("ann", "bob")]
    for watcher in (ann, bob):
        await watcher.watch(relation=ROOM)
        await watcher.read_until(ROOM, "ann", "bob")

    await tidings.emit(
        make_event("team_member.removed", project_id="1", user_id="bob", role="member")
    )

    assert (await bob.client.next("error"))["code"] == "forbidden"
    await ann.read_until(ROOM, "ann")
    await (await tidings.connect("cho")).live()
    await add_team(tidings, "cho")
    await ann.read_until(ROOM, "ann", "cho")
    assert bob.online[ROOM] == {"ann", "bob"}


async def test_a_connection_watches_a_bounded_number_of_relations(tidings: Tidings) -> None:
    await tidings.emit(
        *(make_event("team_member.added", project_id=str(n), user_id="ann") for n in range(21))
    )
    await wait_until_routed(tidings)
    watcher = Watcher(await (await tidings.connect("ann")).live())

    results = [await watcher.watch(relation=f"project:{n}#member") for n in range(21)]
    await watcher.client.send({"type": "unwatch", "op": "done", "relation": "project:0#member"})
    await watcher.client.next("result")
    again = await watcher.watch(relation="project:20#member")

    assert [result["ok"] for result in results] == [True] * 20 + [False]
    assert again["ok"] and len(watcher.online) == 21


async def test_a_relation_can_be_watched_up_to_a_size(tidings: Tidings) -> None:
    await add_team(tidings, *(f"u{n}" for n in range(1000)), project="big")
    big = "project:big#member"
    watcher = Watcher(await (await tidings.connect("u7")).live())
    assert (await watcher.watch(relation=big))["ok"]
    await watcher.read_until(big, "u7")

    await add_team(tidings, "one-more", project="big")

    assert (await watcher.client.next("error"))["code"] == "forbidden"
    problem = check_problem(
        await tidings.http.get(
            "/v1/presence", params={"relation": big}, headers=tidings.headers("u7")
        ),
        403,
    )
    assert "more than 1000" in problem["detail"]


async def test_two_hundred_users_are_asked_for_as_far_as_the_address_may_be_long(
    tidings: Tidings,
) -> None:
    async def ask(users: list[str]) -> httpx.Response:
        return await tidings.http.get(
            "/v1/presence", params={"user": users}, headers=tidings.headers("alice")
        )

    short, long = [[f"{number:0{digits}}" for number in range(200)] for digits in (30, 128)]

    assert (await ask(short)).json() == {"online": []}
    check_problem(await ask([*short, "one-more"]), 400)
    check_problem(await ask(long), 414)
    assert (await ask(long[:50])).json() == {"online": []}
