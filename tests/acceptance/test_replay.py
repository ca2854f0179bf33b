"""Replay: whoever comes back gets what was missed in pages, once each, by whatever way, while more arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.driver import Client, Tidings, hello_to
from tests.webs import Web, web

MISSED = 330
KEPT = 20
MEGABYTE = 2**20


@pytest.fixture(scope="module")
async def edge(url: str, chosen: Settings) -> AsyncIterator[Web]:
    """An edge whose ring holds next to nothing, so that replays come from the rows."""
    async with web(chosen, ring_bytes=2000, connections_per_user=50) as alone:
        yield alone


@pytest.fixture
async def forgetful(tidings: Tidings, edge: Web) -> AsyncIterator[Tidings]:
    """The same people at that edge."""
    async with Tidings(edge.url, tidings.runtime, tidings.tenant) as driver:
        yield driver


async def missed(tidings: Tidings, count: int = MISSED, total: int = 0, **more: Any) -> str:
    """Have alice miss so many announcements after a cursor, and return that."""
    cursor = (await tidings.get("/v1/log", "alice"))["cursor"]
    await tidings.emit(*(hello_to("alice", title=f"№ {number}", **more) for number in range(count)))
    await tidings.emit(*(hello_to("bob") for _ in range(20)))  # pushes hers out of a small ring
    await tidings.eventually("alice", total=total or count)
    return cursor


async def first_page(
    tidings: Tidings, transport: str, cursor: str
) -> tuple[str, list[dict[str, Any]], bool]:
    """One frame of a replay, the connection dropped right behind it: the cursor, the entries, and whether there is more."""
    if transport == "log":
        page = await tidings.get("/v1/log", "alice", after=cursor)
        return page["cursor"], page["entries"], page.get("more", False)
    async with getattr(tidings, transport)("alice", cursor) as client:
        frame = await client.next("entries", "reset")
        assert frame["type"] == "entries"
    return frame["cursor"], frame["entries"], frame.get("more", False)


async def test_a_long_replay_comes_in_pages_each_notification_once(forgetful: Tidings) -> None:
    cursor = await missed(forgetful)

    client = await (await forgetful.connect("alice", cursor)).live()

    pages = [frame for frame in client.seen if frame["type"] == "entries"]
    assert len(pages) > MISSED // 100
    assert all(frame.get("more") for frame in pages[:-1])
    assert [entry["title"] for entry in client.entries] == [
        f"№ {number}" for number in range(MISSED)
    ]
    assert client.counts == await forgetful.get("/v1/counts", "alice")


async def test_switching_the_transport_after_every_page_loses_and_repeats_nothing(
    forgetful: Tidings,
) -> None:
    cursor = await missed(forgetful)
    entries: list[dict[str, Any]] = []

    more = True
    for transport in cycle(("socket", "log", "events")):
        if not more:
            break
        cursor, found, more = await first_page(forgetful, transport, cursor)
        entries += found

    assert [entry["title"] for entry in entries] == [f"№ {number}" for number in range(MISSED)]


async def test_what_changes_between_two_pages_is_in_a_later_one(forgetful: Tidings) -> None:
    cursor = await missed(forgetful)
    cursor, first, _ = await first_page(forgetful, "socket", cursor)
    known = {entry["id"]: entry for entry in first}
    told, untold = (
        first[0]["id"],
        next(each["id"] for each in await forgetful.listing("alice") if each["id"] not in known),
    )

    desk = await (await forgetful.connect("alice")).live()
    for identifier in (told, untold):
        assert (await desk.mark("read", identifier))["ok"]
    await forgetful.emit(hello_to("alice", title="new"))
    await forgetful.eventually("alice", total=MISSED + 1, unread=MISSED - 1)
    replayed = await forgetful.replay("alice", cursor, known)

    listed = {each["id"]: each for each in await forgetful.listing("alice")}
    assert {name: "read" in each for name, each in replayed.notifications.items()} == {
        name: "read" in each for name, each in listed.items()
    }
    assert sum("read" in each for each in listed.values()) == 2


async def test_arrivals_during_a_replay_follow_it_without_gap_or_repeat(forgetful: Tidings) -> None:
    cursor = await missed(forgetful)

    client = await forgetful.connect("alice", cursor)
    await client.next("entries")
    await forgetful.emit(*(hello_to("alice", title=f"№ {MISSED + number}") for number in range(50)))
    await client.until(MISSED + 50)

    assert [entry["title"] for entry in client.entries] == [
        f"№ {number}" for number in range(MISSED + 50)
    ]


async def test_what_was_deleted_while_away_goes_away_on_the_client_too(forgetful: Tidings) -> None:
    await forgetful.emit(*(hello_to("alice") for _ in range(3)))
    await forgetful.eventually("alice", total=3)
    phone = await (await forgetful.connect("alice")).live()
    held, cursor = dict(phone.notifications), phone.cursor

    desk = await (await forgetful.connect("alice")).live()
    assert (await desk.mark("deleted", *list(held)[:1]))["ok"]
    await missed(forgetful, 230, total=232)
    replayed = await forgetful.replay("alice", str(cursor), dict(held))

    assert set(held) - set(replayed.notifications) == set(list(held)[:1])


async def test_many_deep_replays_at_once_take_little_memory(forgetful: Tidings, edge: Web) -> None:
    cursor = await missed(forgetful, 200, message="x" * 10_000)
    before = edge.peak_bytes

    clients: list[Client] = [await forgetful.connect("alice", cursor) for _ in range(30)]
    for client in clients:
        await client.live()

    assert all(len(client.entries) == 200 for client in clients)
    assert edge.peak_bytes - before < 30 * MEGABYTE  # 30 replays of 2 MB


async def test_a_page_that_the_client_has_is_not_sent_again(tidings: Tidings) -> None:
    cursor = await missed(tidings, 3)
    headers = tidings.headers("alice")
    first = await tidings.http.get("/v1/log", params={"after": cursor}, headers=headers)
    known = {**headers, "If-None-Match": f'"other", W/{first.headers["etag"]}'}

    await tidings.emit(hello_to("bob"))
    again = await tidings.http.get("/v1/log", params={"after": cursor}, headers=known)
    await tidings.emit(hello_to("alice"))
    await tidings.eventually("alice", total=4)
    new = await tidings.http.get("/v1/log", params={"after": cursor}, headers=known)

    assert (again.status_code, again.content, again.headers["etag"]) == (
        304,
        b"",
        first.headers["etag"],
    )
    assert new.status_code == 200
    assert len(new.json()["entries"]) == 4
    assert new.headers["etag"] != first.headers["etag"]


async def test_a_forged_cursor_within_a_replay_is_as_good_as_any_other(forgetful: Tidings) -> None:
    cursor = await missed(forgetful, 5)
    epoch, head = (
        cursor.split("-")[0],
        (await forgetful.get("/v1/log", "alice"))["cursor"].split("-")[1],
    )

    client = await (
        await forgetful.connect("alice", f"{epoch}-{head}.0.9999999999999999999")
    ).live()
    backward = await (await forgetful.connect("alice", f"{epoch}-{head}.{head}.1")).live()

    assert [frame.get("reason") for frame in client.seen if frame["type"] == "reset"] == ["ahead"]
    assert not backward.entries
    assert backward.cursor and "." not in backward.cursor


async def test_what_the_ring_holds_is_told_before_the_rows_are_asked(
    tidings: Tidings, chosen: Settings
) -> None:
    cursor = await missed(tidings, 130)
    async with web(chosen) as fresh, Tidings(fresh.url, tidings.runtime, tidings.tenant) as driver:
        async with tidings.runtime.postgres.transaction() as locking:
            await locking.execute("LOCK TABLE inbox.notification IN ACCESS EXCLUSIVE MODE")
            client = await driver.connect("alice", cursor)
            early = await client.until(130)
            counted = dict(client.counts)
        await client.live()

    assert [entry["title"] for entry in early] == [f"№ {number}" for number in range(130)]
    assert not counted
    assert client.counts == {"unread": 130, "unseen": 130, "total": 130}
    assert len(client.entries) == 130


async def test_whoever_left_between_a_replay_and_its_counts_is_told_them_on_coming_back(
    tidings: Tidings, chosen: Settings
) -> None:
    cursor = await missed(tidings, 3)
    async with web(chosen) as fresh, Tidings(fresh.url, tidings.runtime, tidings.tenant) as driver:
        async with tidings.runtime.postgres.transaction() as locking:
            await locking.execute("LOCK TABLE inbox.notification IN ACCESS EXCLUSIVE MODE")
            async with driver.socket("alice", cursor) as left:
                await left.until(3)
        back = [
            await (await connect("alice", left.cursor)).live()
            for connect in (driver.connect, driver.stream)
        ]

    assert not left.counts
    assert [client.entries for client in back] == [[], []]
    assert [client.counts for client in back] == [{"unread": 3, "unseen": 3, "total": 3}] * 2


async def test_counts_that_changed_by_themselves_meanwhile_are_told_to_whoever_missed_nothing_else(
    tidings: Tidings,
) -> None:
    await missed(tidings, 2)
    async with tidings.socket("alice") as alice:
        await alice.live()
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        await alice.mark("snoozed", next(iter(alice.notifications)), until=soon)
        await alice.until_counts(total=1)
    await asyncio.sleep(1.2)  # longer than it is snoozed

    back = await (await tidings.connect("alice", alice.cursor)).live()

    assert not back.entries
    assert back.counts["total"] == 2


@pytest.mark.parametrize("ring_bytes", [2000, 2**20], ids=["rows", "ring"])
async def test_whoever_missed_more_than_is_kept_is_told_so_and_begins_afresh(
    tidings: Tidings, chosen: Settings, ring_bytes: int
) -> None:
    beyond, just_in_time = (
        await missed(tidings, KEPT),
        await missed(tidings, KEPT - 1, total=2 * KEPT - 1),
    )

    async with (
        web(chosen, notifications_per_user=KEPT, ring_bytes=ring_bytes) as few,
        Tidings(few.url, None, tidings.tenant) as driver,
    ):
        told = [
            await (await driver.connect("alice", beyond)).live(),
            await (await driver.stream("alice", beyond)).live(),
        ]
        gone = await driver.http.get(
            "/v1/log", params={"after": beyond}, headers=driver.headers("alice")
        )
        entire = await (await driver.connect("alice", just_in_time)).live()

    for client in told:
        assert [frame["reason"] for frame in client.seen if frame["type"] == "reset"] == ["expired"]
        assert len(client.notifications) == client.counts["total"] == KEPT
    assert (gone.status_code, gone.json()["reason"]) == (410, "expired")
    assert [entry["title"] for entry in entire.entries] == [
        f"№ {number}" for number in range(KEPT - 1)
    ]


async def test_a_snapshot_is_never_so_old_that_nobody_can_go_on_from_it(
    tidings: Tidings, chosen: Settings
) -> None:
    await missed(tidings, 3)
    async with (
        web(chosen, notifications_per_user=KEPT) as few,
        Tidings(few.url, tidings.runtime, tidings.tenant) as driver,
        tidings.runtime.postgres.transaction() as holding,
    ):
        await holding.execute("LOCK TABLE inbox.notification IN SHARE MODE")
        watching = await (await tidings.connect("alice")).live()
        await tidings.emit(
            *(hello_to("alice", title=f"late {number}") for number in range(2 * KEPT))
        )
        await watching.until(2 * KEPT)
        client = await (await driver.connect("alice")).live()

    assert [frame["type"] for frame in client.seen] == ["hello", "snapshot", "live"]
    assert [note["title"] for note in client.notifications.values()] == [
        f"late {number}" for number in range(KEPT, 2 * KEPT)
    ]
