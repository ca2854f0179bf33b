"""Replay: a returning client gets what it missed in pages, once, over any transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.web_processes import WebProcess, run_web

MISSED = 330
KEPT = 20
MEGABYTE = 2**20
PART_OF_LOG_BYTES = 220_000
"""Of a ring that holds what a test's user missed, but not all that was ever logged."""


@pytest.fixture(scope="module")
async def edge(url: str, chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run an edge with a tiny ring, so that replays come from the rows."""
    async with run_web(chosen, ring_bytes=2000, connections_per_user=50) as running:
        yield running


@pytest.fixture
async def driver_of_rows(tidings: Tidings, edge: WebProcess) -> AsyncIterator[Tidings]:
    """Return a driver of the same tenant at that edge."""
    async with make_driver_at(tidings, edge.url) as driver:
        yield driver


async def miss_announcements(
    tidings: Tidings, count: int = MISSED, total: int = 0, **options: Any
) -> str:
    """Emit announcements that alice misses, and return the cursor before them."""
    async with tidings.socket("alice") as client:  # a snapshot alone may end before the head
        cursor = str((await client.live()).cursor)
    await tidings.emit(
        *(make_announcement("alice", title=f"№ {number}", **options) for number in range(count))
    )
    # These push alice's announcements out of a small ring.
    of_bob = (await tidings.get("/v1/counts", "bob"))["total"]
    await tidings.emit(*(make_announcement("bob") for _ in range(20)))
    await tidings.wait_for_counts("alice", total=total or count)
    await tidings.wait_for_counts("bob", total=of_bob + 20)
    await tidings.get("/v1/notifications", "bob")  # waits until the rows have them
    return cursor


async def fill_log(tidings: Tidings) -> None:
    """Log more than `PART_OF_LOG_BYTES` for another user."""
    await tidings.emit(*(make_announcement("carol") for _ in range(300)))
    await tidings.wait_for_counts("carol", total=300)


async def read_first_page(
    tidings: Tidings, transport: str, cursor: str
) -> tuple[str, list[dict[str, Any]], bool]:
    """Read one page of a replay and disconnect; return cursor, entries and whether more follow."""
    if transport == "log":
        page = await tidings.get("/v1/log", "alice", after=cursor)
        return page["cursor"], page["entries"], page.get("more", False)
    async with getattr(tidings, transport)("alice", cursor) as client:
        frame = await client.next("entries", "reset")
        assert frame["type"] == "entries"
    return frame["cursor"], frame["entries"], frame.get("more", False)


async def test_a_long_replay_comes_in_pages_with_each_notification_once(
    driver_of_rows: Tidings,
) -> None:
    cursor = await miss_announcements(driver_of_rows)

    client = await (await driver_of_rows.connect("alice", cursor)).live()

    pages = [frame for frame in client.frames if frame["type"] == "entries"]
    assert len(pages) > MISSED // 100
    assert all(frame.get("more") for frame in pages[:-1])
    assert [entry["title"] for entry in client.entries] == [
        f"№ {number}" for number in range(MISSED)
    ]
    assert client.counts == await driver_of_rows.get("/v1/counts", "alice")


async def test_switching_the_transport_after_every_page_loses_and_repeats_nothing(
    driver_of_rows: Tidings,
) -> None:
    cursor = await miss_announcements(driver_of_rows)
    entries: list[dict[str, Any]] = []

    more = True
    for transport in cycle(("socket", "log", "events")):
        if not more:
            break
        cursor, page, more = await read_first_page(driver_of_rows, transport, cursor)
        entries += page

    assert [entry["title"] for entry in entries] == [f"№ {number}" for number in range(MISSED)]


async def test_a_change_between_two_pages_is_in_a_later_page(driver_of_rows: Tidings) -> None:
    cursor = await miss_announcements(driver_of_rows)
    cursor, first, _ = await read_first_page(driver_of_rows, "socket", cursor)
    first_page = {entry["id"]: entry for entry in first}
    sent_id, unsent_id = (
        first[0]["id"],
        next(
            notification["id"]
            for notification in await driver_of_rows.list_all("alice")
            if notification["id"] not in first_page
        ),
    )

    desk = await (await driver_of_rows.connect("alice")).live()
    for identifier in (sent_id, unsent_id):
        assert (await desk.mark("read", identifier))["ok"]
    await driver_of_rows.emit(make_announcement("alice", title="new"))
    await driver_of_rows.wait_for_counts("alice", total=MISSED + 1, unread=MISSED - 1)
    replay = await driver_of_rows.replay("alice", cursor, first_page)

    notifications = {
        notification["id"]: notification for notification in await driver_of_rows.list_all("alice")
    }
    assert {
        name: "read" in notification for name, notification in replay.notifications.items()
    } == {name: "read" in notification for name, notification in notifications.items()}
    assert sum("read" in notification for notification in notifications.values()) == 2


async def test_new_notifications_during_a_replay_follow_it_without_gap_or_repeat(
    driver_of_rows: Tidings,
) -> None:
    cursor = await miss_announcements(driver_of_rows)

    client = await driver_of_rows.connect("alice", cursor)
    await client.next("entries")
    await driver_of_rows.emit(
        *(make_announcement("alice", title=f"№ {MISSED + number}") for number in range(50))
    )
    await client.until(MISSED + 50)

    assert [entry["title"] for entry in client.entries] == [
        f"№ {number}" for number in range(MISSED + 50)
    ]


async def test_a_deletion_while_away_reaches_the_client(driver_of_rows: Tidings) -> None:
    await driver_of_rows.emit(*(make_announcement("alice") for _ in range(3)))
    await driver_of_rows.wait_for_counts("alice", total=3)
    phone = await (await driver_of_rows.connect("alice")).live()
    notifications, cursor = dict(phone.notifications), phone.cursor

    desk = await (await driver_of_rows.connect("alice")).live()
    assert (await desk.mark("deleted", *list(notifications)[:1]))["ok"]
    await miss_announcements(driver_of_rows, 230, total=232)
    replay = await driver_of_rows.replay("alice", str(cursor), dict(notifications))

    assert set(notifications) - set(replay.notifications) == set(list(notifications)[:1])


async def test_many_long_replays_at_once_take_little_memory(
    driver_of_rows: Tidings, edge: WebProcess
) -> None:
    cursor = await miss_announcements(driver_of_rows, 200, message="x" * 10_000)
    before = edge.peak_bytes

    clients: list[Client] = [await driver_of_rows.connect("alice", cursor) for _ in range(30)]
    for client in clients:
        await client.live()

    assert all(len(client.entries) == 200 for client in clients)
    assert edge.peak_bytes - before < 30 * MEGABYTE  # each replay has 2 MB


async def test_a_page_that_the_client_already_has_is_not_sent_again(tidings: Tidings) -> None:
    cursor = await miss_announcements(tidings, 3)
    headers = tidings.headers("alice")
    first = await tidings.http.get("/v1/log", params={"after": cursor}, headers=headers)
    conditional = {**headers, "If-None-Match": f'"other", W/{first.headers["etag"]}'}

    await tidings.emit(make_announcement("bob"))
    again = await tidings.http.get("/v1/log", params={"after": cursor}, headers=conditional)
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=4)
    new = await tidings.http.get("/v1/log", params={"after": cursor}, headers=conditional)

    assert (again.status_code, again.content, again.headers["etag"]) == (
        304,
        b"",
        first.headers["etag"],
    )
    assert new.status_code == 200
    assert len(new.json()["entries"]) == 4
    assert new.headers["etag"] != first.headers["etag"]


async def test_a_forged_cursor_within_a_replay_is_handled_like_any_other(
    driver_of_rows: Tidings,
) -> None:
    cursor = await miss_announcements(driver_of_rows, 5)
    epoch, head = (
        cursor.split("-")[0],
        (await driver_of_rows.get("/v1/log", "alice"))["cursor"].split("-")[1],
    )

    client = await (
        await driver_of_rows.connect("alice", f"{epoch}-{head}.0.9999999999999999999")
    ).live()
    backward = await (await driver_of_rows.connect("alice", f"{epoch}-{head}.{head}.1")).live()

    assert [frame.get("reason") for frame in client.frames if frame["type"] == "reset"] == ["ahead"]
    assert not backward.entries
    assert backward.cursor and "." not in backward.cursor


async def test_entries_in_the_ring_are_sent_without_waiting_for_the_rows(
    tidings: Tidings, chosen: Settings
) -> None:
    await fill_log(tidings)
    cursor = await miss_announcements(tidings, 130)
    async with (
        run_web(chosen, ring_bytes=PART_OF_LOG_BYTES) as fresh,
        Tidings(fresh.url, tidings.runtime, tidings.tenant) as driver,
    ):
        async with tidings.runtime.postgres.transaction() as locking:
            await locking.execute("LOCK TABLE inbox.notification IN ACCESS EXCLUSIVE MODE")
            client = await driver.connect("alice", cursor)
            early_entries = await client.until(130)
            early_counts = dict(client.counts)
        await client.live()

    assert [entry["title"] for entry in early_entries] == [f"№ {number}" for number in range(130)]
    assert not early_counts
    assert client.counts == {"unread": 130, "unseen": 130, "total": 130}
    assert len(client.entries) == 130


async def test_a_client_that_left_before_the_counts_gets_them_when_it_returns(
    tidings: Tidings, chosen: Settings
) -> None:
    await fill_log(tidings)
    cursor = await miss_announcements(tidings, 3)
    async with (
        run_web(chosen, ring_bytes=PART_OF_LOG_BYTES) as fresh,
        Tidings(fresh.url, tidings.runtime, tidings.tenant) as driver,
    ):
        async with tidings.runtime.postgres.transaction() as locking:
            await locking.execute("LOCK TABLE inbox.notification IN ACCESS EXCLUSIVE MODE")
            async with driver.socket("alice", cursor) as first_client:
                await first_client.until(3)
        returning = [
            await (await connect("alice", first_client.cursor)).live()
            for connect in (driver.connect, driver.stream)
        ]

    assert not first_client.counts
    assert [client.entries for client in returning] == [[], []]
    assert [client.counts for client in returning] == [{"unread": 3, "unseen": 3, "total": 3}] * 2


async def test_counts_that_changed_by_time_alone_are_sent_to_a_returning_client(
    tidings: Tidings,
) -> None:
    await miss_announcements(tidings, 2)
    async with tidings.socket("alice") as alice:
        await alice.live()
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        await alice.mark("snoozed", next(iter(alice.notifications)), until=soon)
        await alice.until_counts(total=1)
    await tidings.wait_for_counts("alice", total=2)

    returning = await (await tidings.connect("alice", alice.cursor)).live()

    assert not returning.entries
    assert returning.counts["total"] == 2


@pytest.mark.parametrize("ring_bytes", [2000, 2**20], ids=["rows", "ring"])
async def test_a_client_that_missed_more_than_is_kept_is_reset(
    tidings: Tidings, chosen: Settings, ring_bytes: int
) -> None:
    expired_cursor, kept_cursor = (
        await miss_announcements(tidings, KEPT),
        await miss_announcements(tidings, KEPT - 1, total=2 * KEPT - 1),
    )

    async with (
        run_web(chosen, notifications_per_user=KEPT, ring_bytes=ring_bytes) as running,
        Tidings(running.url, None, tidings.tenant) as driver,
    ):
        clients = [
            await (await driver.connect("alice", expired_cursor)).live(),
            await (await driver.stream("alice", expired_cursor)).live(),
        ]
        gone = await driver.http.get(
            "/v1/log", params={"after": expired_cursor}, headers=driver.headers("alice")
        )
        complete = await (await driver.connect("alice", kept_cursor)).live()

    for client in clients:
        assert [frame["reason"] for frame in client.frames if frame["type"] == "reset"] == [
            "expired"
        ]
        assert len(client.notifications) == client.counts["total"] == KEPT
    assert (gone.status_code, gone.json()["reason"]) == (410, "expired")
    assert [entry["title"] for entry in complete.entries] == [
        f"№ {number}" for number in range(KEPT - 1)
    ]


async def test_a_snapshot_is_never_too_old_to_resume_from(
    tidings: Tidings, chosen: Settings
) -> None:
    await miss_announcements(tidings, 3)
    async with (
        run_web(chosen, notifications_per_user=KEPT) as running,
        Tidings(running.url, tidings.runtime, tidings.tenant) as driver,
        tidings.runtime.postgres.transaction() as lock,
    ):
        await lock.execute("LOCK TABLE inbox.notification IN SHARE MODE")
        watcher = await (await tidings.connect("alice")).live()
        await tidings.emit(
            *(make_announcement("alice", title=f"late {number}") for number in range(2 * KEPT))
        )
        await watcher.until(2 * KEPT)
        client = await (await driver.connect("alice")).live()

    assert [frame["type"] for frame in client.frames] == ["hello", "snapshot", "live"]
    assert [note["title"] for note in client.notifications.values()] == [
        f"late {number}" for number in range(KEPT, 2 * KEPT)
    ]
