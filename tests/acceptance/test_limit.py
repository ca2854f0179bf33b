"""Lists, counts, snapshots and replays agree on the newest notifications, also at the limit.

The model is the documented rule alone: of each person the newest `notifications_per_user`
notifications exist, in whatever state; the rest is gone.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.acceptance.faults import Installation, Tenant
from tests.builders import make_announcement
from tests.driver import Client
from tests.waiting import wait_until

LIMIT = 20
INSTALLATION_SETTINGS = {"notifications_per_user": LIMIT, "ring_bytes": 3000}
"""A ring for a few entries only, so that rows and the stream are read as well."""
STEPS = 60
USER = "ann"


class Flags(NamedTuple):
    """The state of one notification."""

    read: bool = False
    archived: bool = False
    deleted: bool = False


class LimitModel:
    """The newest notifications of a person by title, oldest first."""

    def __init__(self) -> None:
        self.flags: dict[str, Flags] = {}

    def add(self, title: str) -> None:
        """Add the newest notification; what exceeds the limit is gone."""
        self.flags[title] = Flags()
        for old in [*self.flags][:-LIMIT]:
            del self.flags[old]

    def mark(self, title: str, state: str) -> None:
        """Mark a notification, unless it is gone."""
        before = self.flags.get(title)
        if before is None or before.deleted:
            return
        match state:
            case "deleted":
                after = before._replace(deleted=True)
            case "read" | "unread":
                after = before._replace(read=state == "read")
            case _:
                after = before._replace(archived=state == "archived")
        self.flags[title] = after

    @property
    def listed(self) -> list[str]:
        """The titles in the list, newest first."""
        return [
            title
            for title, flags in reversed(self.flags.items())
            if not flags.deleted and not flags.archived
        ]

    @property
    def counts(self) -> dict[str, int]:
        """The total and the unread ones of the list."""
        listed = [self.flags[title] for title in self.listed]
        return {"total": len(listed), "unread": sum(not flags.read for flags in listed)}


@pytest.fixture
async def tenant(installation: Installation) -> AsyncIterator[Tenant]:
    async with Tenant(installation) as tenant:
        yield tenant


@pytest.mark.parametrize("seed", range(3))
async def test_all_views_agree_with_the_limit_while_it_is_reached(
    tenant: Tenant, seed: int
) -> None:
    chance, model = random.Random(seed), LimitModel()
    ids: dict[str, str] = {}
    cursors: list[str] = []
    live = await (await tenant.connect(USER)).live()
    for step in range(STEPS):
        await change_something(tenant, live, model, ids, chance, step)
        cursors.append(live.cursor or "")
        assert reduced(live.counts) == model.counts
        if step % 5 == 4:
            await check_views(tenant, model, chance.sample(cursors, 3))


async def test_many_marks_of_few_notifications_change_no_total(tenant: Tenant) -> None:
    """Marks fill the person's log in the stream, beyond what it keeps."""
    live, model = await (await tenant.connect(USER)).live(), LimitModel()
    ids: dict[str, str] = {}
    for number in range(LIMIT):
        await emit(tenant, live, model, ids, f"number {number}")
    for number in range(5 * LIMIT):
        title = f"number {number % 3}"
        await mark(live, model, ids, title, ("read", "unread")[number // 3 % 2])
    await check_views(tenant, model, [live.cursor or ""])
    await tenant.installation.kill("postgres")
    try:
        fresh = await tenant.connect(USER)
        frame = await fresh.next("snapshot", "error")
        assert frame["type"] == "error" or reduced(frame["counts"]) == model.counts
    finally:
        await tenant.installation.start("postgres")


async def change_something(
    tenant: Tenant,
    live: Client,
    model: LimitModel,
    ids: dict[str, str],
    chance: random.Random,
    step: int,
) -> None:
    if not ids or chance.random() < 0.6:
        await emit(tenant, live, model, ids, f"number {step}")
    else:
        states = ("read", "read", "unread", "archived", "unarchived", "deleted")
        await mark(live, model, ids, chance.choice([*ids]), chance.choice(states))


async def emit(
    tenant: Tenant, live: Client, model: LimitModel, ids: dict[str, str], title: str
) -> None:
    await tenant.emit(make_announcement(USER, title=title))
    while title not in ids:
        await live.next("entries")
        ids |= {
            each["title"]: each["id"] for each in live.entries if each["entry"] == "notification"
        }
    model.add(title)


async def mark(
    live: Client, model: LimitModel, ids: dict[str, str], title: str, state: str
) -> None:
    result = await live.mark(state, ids[title])
    assert result["ok"], result
    while sequence_of(live.cursor or "0-0") < sequence_of(result["cursor"]):
        await live.next("entries")
    model.mark(title, state)


async def check_views(tenant: Tenant, model: LimitModel, cursors: list[str]) -> None:
    """Check the list, its counts, the counts alone, a snapshot, and replays from cursors."""

    async def rows_agree() -> bool:  # the rows follow the log
        found = await tenant.list_all(USER)
        return [each["title"] for each in found] == model.listed

    await wait_until(rows_agree)
    page = await tenant.get("/v1/notifications", USER, limit=100)
    assert reduced(page["counts"]) == model.counts
    assert reduced(await tenant.get("/v1/counts", USER)) == model.counts
    archived = [each["title"] for each in await tenant.list_all(USER, "archived")]
    assert archived == [
        title
        for title, flags in reversed(model.flags.items())
        if flags.archived and not flags.deleted
    ]
    async with tenant.socket(USER) as fresh:
        await fresh.live()
        assert reduced(fresh.counts) == model.counts
        assert [fresh.notifications[each]["title"] for each in fresh.visible_ids] == model.listed
    for cursor in cursors:
        answer = await tenant.http.get(
            "/v1/log", params={"after": cursor}, headers=tenant.headers(USER)
        )
        if answer.status_code == httpx.codes.GONE:
            assert answer.json()["reason"] == "expired"
            continue
        replay = await tenant.replay(USER, cursor)
        assert not replay.counts or reduced(replay.counts) == model.counts
        async with tenant.socket(USER, cursor) as returning:
            await returning.live()
            assert reduced(returning.counts) == model.counts


def reduced(counts: dict[str, Any]) -> dict[str, int]:
    return {name: counts[name] for name in ("total", "unread")}


def sequence_of(cursor: str) -> int:
    return int(cursor.split("-")[1].split(".")[0])
