"""Presence: who is connected, to whichever edge, for those who may know it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.company import BELIEVED_SECONDS, ROOM, beside, settled, team
from tests.acceptance.refused import refused
from tests.driver import Client, Tidings, event
from tests.webs import web

pytestmark = pytest.mark.usefixtures("calm")


async def online(tidings: Tidings, asking: str, **query: Any) -> list[str]:
    """Who is connected, as one user is told."""
    return (await tidings.get("/v1/presence", asking, **query))["online"]


async def until_online(
    tidings: Tidings, expected: list[str], seconds: float = 5.0, **query: Any
) -> float:
    """Ask until these are connected; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while await online(tidings, "ann", **query) != expected:  # noqa: ASYNC110  gossip says nothing when it comes
            await asyncio.sleep(0.02)
    return time.monotonic() - began


class Watcher:
    """Folds presence frames, as the protocol asks of clients."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.online: dict[str | None, set[str]] = {}

    async def watch(self, **what: Any) -> dict[str, Any]:
        """Ask for a watch, and return its result."""
        await self.client.send({"type": "watch", "op": "op", **what})
        while (frame := await self.client.next("result", "presence"))["type"] == "presence":
            self.fold(frame)
        return frame

    async def until(self, relation: str | None, *users: str) -> None:
        """Read until these are connected."""
        while self.online.get(relation) != set(users):
            self.fold(await self.client.next("presence"))

    def fold(self, frame: dict[str, Any]) -> None:
        """Take a frame."""
        known = set() if frame.get("whole") else self.online[frame.get("relation")]
        assert not known & set(frame["online"]) and known >= set(frame.get("offline", ())), (
            known,
            frame,
        )
        self.online[frame.get("relation")] = (known | set(frame["online"])) - set(
            frame.get("offline", ())
        )
        assert frame.keys() <= {"type", "relation", "online", "offline", "whole"}


async def test_who_is_connected_to_any_edge_is_known_at_each(
    tidings: Tidings, other: Tidings
) -> None:
    await team(tidings, "ann", "bob", "cho", "dee")

    async with (
        tidings.socket("ann") as ann,
        other.events("bob") as bob,
        other.socket("cho") as cho,
        other.socket("eve") as eve,
    ):
        for client in (ann, bob, cho, eve):
            await client.live()
        for edge in (tidings, other):
            await until_online(edge, ["ann", "bob", "cho"], relation=ROOM)
            await until_online(edge, ["bob", "eve"], user=["bob", "dee", "eve", "nobody"])

    for edge in (tidings, other):
        await until_online(edge, [], relation=ROOM)


async def test_the_people_of_an_edge_that_is_killed_vanish_in_time_and_not_before(
    tidings: Tidings, other: Tidings, chosen: Settings
) -> None:
    async with (
        web(chosen, presence_seconds=BELIEVED_SECONDS) as doomed,
        beside(tidings, doomed.url) as there,
    ):
        await (await there.connect("bob")).live()
        await (await other.connect("cho")).live()
        await until_online(other, ["bob", "cho"], user=["bob", "cho"])

        os.kill(doomed.pid, signal.SIGKILL)
        took = await until_online(other, ["cho"], seconds=BELIEVED_SECONDS + 2, user=["bob", "cho"])

    assert BELIEVED_SECONDS / 2 < took < BELIEVED_SECONDS + 1


async def test_an_edge_knows_within_a_second_of_its_start_who_is_elsewhere_and_takes_its_own_along_at_its_end(
    tidings: Tidings, chosen: Settings
) -> None:
    for user in ("ann", "cho"):
        await (await tidings.connect(user)).live()

    async with web(chosen) as edge, beside(tidings, edge.url) as there:
        await until_online(there, ["ann", "cho"], seconds=1, user=["ann", "bob", "cho"])
        await (await there.connect("bob")).live()
        await until_online(tidings, ["bob"], user="bob")

    assert await until_online(tidings, [], user="bob") < 2


async def test_presence_ends_at_the_tenant(tidings: Tidings, other: Tidings) -> None:
    await team(tidings, "ann")
    async with beside(tidings, other.url, f"{tidings.tenant}.x") as foreign:
        await team(foreign, "ann", "bob")
        await (await tidings.connect("ann")).live()
        await (await foreign.connect("bob")).live()
        watcher = Watcher(await foreign.connect("ann"))
        await watcher.watch(users=["ann", "bob", "cho"])
        await watcher.until(None, "ann", "bob")

        await until_online(tidings, ["ann"], user=["ann", "bob"])
        await (await tidings.connect("cho")).live()
        await until_online(tidings, ["cho"], user="cho")

        assert await online(tidings, "ann", relation=ROOM) == ["ann"]
        assert await online(foreign, "ann", user=["ann", "bob", "cho"]) == ["ann", "bob"]
        assert await online(foreign, "ann", relation=ROOM) == ["ann", "bob"]
        assert watcher.online == {None: {"ann", "bob"}}


async def test_only_who_stands_in_a_relation_may_ask_of_it_or_an_admin(tidings: Tidings) -> None:
    await team(tidings, "ann", "bob")
    await (await tidings.connect("bob")).live()
    eve = Watcher(await tidings.connect("eve"))

    refused(
        await tidings.http.get(
            "/v1/presence", params={"relation": ROOM}, headers=tidings.headers("eve")
        ),
        403,
    )
    result = await eve.watch(relation=ROOM)

    assert (result["ok"], "do not stand in" in result["error"], eve.online) == (False, True, {})
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
async def test_a_question_that_makes_no_sense_is_refused(tidings: Tidings, query: str) -> None:
    refused(await tidings.http.get(f"/v1/presence?{query}", headers=tidings.headers("ann")), 400)


@pytest.mark.parametrize("way", ["socket", "stream"])
async def test_a_watcher_is_told_of_each_change_anywhere(
    tidings: Tidings, other: Tidings, way: str
) -> None:
    await team(tidings, "ann", "bob", "cho")
    if way == "socket":
        watcher = Watcher(await (await tidings.connect("ann")).live())
        cursor = watcher.client.cursor
        assert (await watcher.watch(relation=ROOM))["ok"]
        assert (await watcher.watch(users=["cho", "eve"]))["ok"]
    else:
        watcher = Watcher(await tidings.stream("ann", watch=ROOM, user=["cho", "eve"]))

    async with other.socket("bob") as bob:
        await bob.live()
        await watcher.until(ROOM, "ann", "bob")
        async with other.socket("cho") as cho, tidings.socket("eve") as eve:
            await cho.live()
            await eve.live()
            await watcher.until(ROOM, "ann", "bob", "cho")
            await watcher.until(None, "cho", "eve")
        await watcher.until(ROOM, "ann", "bob")
        await watcher.until(None)
    await watcher.until(ROOM, "ann")
    if way == "socket":
        assert watcher.client.cursor == cursor or any(
            frame["type"] == "entries" for frame in watcher.client.seen
        )
        await watcher.client.send({"type": "unwatch", "op": "done", "relation": ROOM})
        assert (await watcher.client.next("result"))["op"] == "done"
        await (await tidings.connect("bob")).live()
        await (await tidings.connect("eve")).live()
        await watcher.until(None, "eve")
        assert watcher.online[ROOM] == {"ann"}


async def test_who_leaves_a_relation_watches_it_no_longer_and_is_not_in_it(
    tidings: Tidings,
) -> None:
    await team(tidings, "ann", "bob")
    ann, bob = [Watcher(await (await tidings.connect(user)).live()) for user in ("ann", "bob")]
    for watcher in (ann, bob):
        await watcher.watch(relation=ROOM)
        await watcher.until(ROOM, "ann", "bob")

    await tidings.emit(event("team_member.removed", project_id="1", user_id="bob", role="member"))

    assert (await bob.client.next("error"))["code"] == "forbidden"
    await ann.until(ROOM, "ann")
    await (await tidings.connect("cho")).live()
    await team(tidings, "cho")
    await ann.until(ROOM, "ann", "cho")
    assert bob.online[ROOM] == {"ann", "bob"}


async def test_a_connection_watches_a_bounded_number_of_relations(tidings: Tidings) -> None:
    await tidings.emit(
        *(event("team_member.added", project_id=str(n), user_id="ann") for n in range(21))
    )
    await settled(tidings)
    watcher = Watcher(await (await tidings.connect("ann")).live())

    results = [await watcher.watch(relation=f"project:{n}#member") for n in range(21)]
    await watcher.client.send({"type": "unwatch", "op": "done", "relation": "project:0#member"})
    await watcher.client.next("result")
    again = await watcher.watch(relation="project:20#member")

    assert [result["ok"] for result in results] == [True] * 20 + [False]
    assert again["ok"] and len(watcher.online) == 21


async def test_a_room_is_watched_up_to_a_size(tidings: Tidings) -> None:
    await team(tidings, *(f"u{n}" for n in range(1000)), project="big")
    big = "project:big#member"
    watcher = Watcher(await (await tidings.connect("u7")).live())
    assert (await watcher.watch(relation=big))["ok"]
    await watcher.until(big, "u7")

    await team(tidings, "one-more", project="big")

    assert (await watcher.client.next("error"))["code"] == "forbidden"
    problem = refused(
        await tidings.http.get(
            "/v1/presence", params={"relation": big}, headers=tidings.headers("u7")
        ),
        403,
    )
    assert "more than 1000" in problem["detail"]
