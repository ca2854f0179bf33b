"""Tenants with the same users, projects and ids: nothing of one ever shows in another, however they are spelt."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.driver import WAIT_SECONDS, Client, Tidings, event
from tests.streams import entries, stored

pytestmark = pytest.mark.usefixtures("calm")

TRICKY = (
    "a", "A", "a.b", "a/b", "a b", "a_b", "a_2eb", "a%2eb", "a-b", "_", "__", "-", "*", ">", "a.>", "a.*", "..", "$JS.API.>", "/", "//",
    "é", "e\u0301", "日本語", "👩\u200d🚀", "a\u00a0b", "ａ", "'; DROP TABLE inbox.notification; --", "\\", '"', "%", "{}",
    "null", "0", "#", "a#b:c",
)  # fmt: skip
USERS = (
    "alice",
    "a.b",
    "a/b",
    "a b",
    "a_b",
    "a_2eb",
    "*",
    ">",
    "é",
    "e\u0301",
    "日本語",
    "👩\u200d🚀",
    "#",
    "_",
    "a\u00a0b",
    "日" * 128,
)
Plan = dict[tuple[str, str], list[str]]


@asynccontextmanager
async def tenants(tidings: Tidings, names: Sequence[str]) -> AsyncIterator[list[Tidings]]:
    """A driver for each of these tenants."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Tidings(tidings.url, tidings.runtime, name))
            for name in names
        ]


def told(tenant: str, user: str, number: int) -> dict[str, Any]:
    """What one user of one tenant is told; the event's id and source are the same in every tenant."""
    words = {"title": f"{tenant} · {user} · {number}"[:150], "message": f"{tenant}|{user}"}
    return event(
        "announcement.published", identifier=f"{user[:100]}/{number}", to={"users": [user]}, **words
    )


def own(found: Sequence[dict[str, Any]], tenant: str, user: str) -> list[str]:
    """The titles, after making sure that each is this user's own."""
    for each in found:
        assert (each["tenant"], each["user"], each["message"]) == (tenant, user, f"{tenant}|{user}")
    return [each["title"] for each in found]


async def cursor_of(driver: Tidings, user: str, count: int) -> str:
    """Where a snapshot stands that shows so many notifications; rows come a moment after the log."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len((snapshot := await driver.get("/v1/log", user))["notifications"]) < count:  # noqa: ASYNC110  a read model says nothing when it moves
            await asyncio.sleep(0.02)
        return snapshot["cursor"]


async def sees_its_own(driver: Tidings, user: str, titles: list[str], read: int) -> None:
    """List, counts, pages, snapshot and stream all show what this user was told, and nothing else."""
    assert own(await driver.listing(user), driver.tenant, user) == titles[::-1]
    assert (await driver.get("/v1/counts", user)) == {
        "unread": len(titles) - read,
        "unseen": len(titles) - read,
        "total": len(titles),
    }
    assert (
        own((await driver.get("/v1/log", user))["notifications"], driver.tenant, user)
        == titles[::-1]
    )
    epoch = (await driver.get("/v1/log", user))["cursor"].split("-")[0]
    replayed = await driver.replay(user, f"{epoch}-0")
    assert sorted(own(list(replayed.notifications.values()), driver.tenant, user)) == sorted(titles)
    async with driver.events(user, f"{epoch}-0") as stream:
        await stream.live()
        assert sorted(own(list(stream.notifications.values()), driver.tenant, user)) == sorted(
            titles
        )


@pytest.mark.parametrize("seed", [1])
async def test_same_users_and_ids_in_many_tenants_see_each_their_own(
    tidings: Tidings, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"{tidings.tenant}{name}" for name in chance.sample(TRICKY, 8)] + [
        f"{tidings.tenant}{'日' * (128 - len(tidings.tenant))}"
    ]
    users = chance.sample(USERS, 6)
    plan: Plan = {(tenant, user): [] for tenant in names for user in users}
    async with tenants(tidings, names) as drivers:
        for driver in drivers:
            events = [
                told(driver.tenant, user, n) for user in users for n in range(chance.randrange(4))
            ]
            for each in chance.sample(events, len(events)):
                plan[driver.tenant, each["data"]["to"]["users"][0]].append(each["data"]["title"])
                await driver.emit(each)
        marked: dict[tuple[str, str], int] = {}
        for driver in drivers:
            for user in users:
                titles = plan[driver.tenant, user]
                await driver.eventually(user, total=len(titles))
                if chance.random() < 0.5:
                    await mark(driver, user, up_to=await cursor_of(driver, user, len(titles)))
                    marked[driver.tenant, user] = len(titles)

        for driver in drivers:
            for user in users:
                await sees_its_own(
                    driver, user, plan[driver.tenant, user], marked.get((driver.tenant, user), 0)
                )


async def mark(driver: Tidings, user: str, **which: Any) -> httpx.Response:
    body = {"state": "read", **which}
    response = await driver.http.post(
        "/v1/notifications/mark", json=body, headers=driver.headers(user)
    )
    assert response.status_code == 200, response.text
    return response


async def test_every_spelling_of_a_tenant_is_a_tenant_of_its_own(tidings: Tidings) -> None:
    names = [f"{tidings.tenant}{name}" for name in TRICKY] + [
        "*",
        ">",
        f"{tidings.tenant}.>",
        tidings.tenant,
    ]
    async with tenants(tidings, names) as drivers:
        await asyncio.gather(*(driver.emit(told(driver.tenant, "alice", 0)) for driver in drivers))

        for driver in drivers:
            assert len(await stored(driver)) == 1
            await driver.eventually("alice", total=1)
            assert own(await driver.listing("alice"), driver.tenant, "alice") == [
                f"{driver.tenant} · alice · 0"[:150]
            ]
            assert len(await entries(driver, "alice")) == 1


async def test_every_spelling_of_a_user_is_a_user_of_their_own(tidings: Tidings) -> None:
    names = sorted({*TRICKY, *USERS})
    clients = {user: await (await tidings.connect(user)).live() for user in names}

    await tidings.emit(*(told(tidings.tenant, user, 0) for user in names))

    for user, client in clients.items():
        assert own(await client.until(1), tidings.tenant, user) == [
            f"{tidings.tenant} · {user} · 0"[:150]
        ]
    await tidings.emit(*(told(tidings.tenant, user, 1) for user in names))
    for user, client in clients.items():
        own(await client.until(2), tidings.tenant, user)
        assert client.counts["total"] == 2


async def test_a_mark_in_one_tenant_touches_no_other(tidings: Tidings) -> None:
    async with tenants(tidings, [f"{tidings.tenant}.{n}" for n in range(3)]) as drivers:
        clients: list[Client] = []
        for driver in drivers:
            clients.append(await (await driver.connect("alice")).live())
            await driver.emit(told(driver.tenant, "alice", 0), told(driver.tenant, "alice", 1))
        ids = [each["id"] for client in clients for each in await client.until(2)]
        assert len(set(ids)) == 6

        await clients[0].mark("read", *ids)
        await clients[0].mark(
            "deleted",
            up_to=f"{str(clients[0].cursor).split('-')[0]}-{max(int(str(c.cursor).split('-')[1]) for c in clients)}",
        )

        for driver, client, total in zip(drivers, clients, (0, 2, 2), strict=True):
            await driver.emit(told(driver.tenant, "alice", 2))
            await client.until_counts(total=total + 1, unread=total + 1)
            assert len(await driver.listing("alice", "unread")) == total + 1
            own(
                [each for each in client.entries if each["entry"] == "notification"],
                driver.tenant,
                "alice",
            )


async def test_relations_and_everybody_end_at_the_tenant(tidings: Tidings) -> None:
    chance, expected = random.Random(3), defaultdict[tuple[str, str], int](int)
    async with tenants(
        tidings, [f"{tidings.tenant}{name}" for name in ("", ".a", ">", "*")]
    ) as drivers:
        for driver in drivers:
            members = chance.sample(USERS[:6], 3)
            await driver.emit(*(event("user.joined", user_id=user) for user in members))
            await driver.emit(
                event("team_member.added", project_id="1", user_id=members[0], role="manager")
            )
            for to in (
                {"everyone": True},
                {"relation": "project:1#manager"},
                {"relation": "tenant#member"},
            ):
                await driver.emit(event("announcement.published", title="", message="", to=to))
            for user in members:
                expected[driver.tenant, user] += 2
            expected[driver.tenant, members[0]] += 2

        for driver in drivers:
            for user in USERS[:6]:
                await driver.eventually(user, total=expected[driver.tenant, user])
        await asyncio.sleep(0.3)
        for driver in drivers:
            for user in USERS[:6]:
                assert len(await driver.listing(user)) == expected[driver.tenant, user]


async def test_a_cursor_or_id_of_another_tenant_gives_nothing_away(tidings: Tidings) -> None:
    async with tenants(tidings, [f"{tidings.tenant}.{n}" for n in range(2)]) as (one, other):
        await one.emit(*(told(one.tenant, "alice", n) for n in range(3)))
        await one.eventually("alice", total=3)
        first = (await one.listing("alice"))[-1]["cursor"]

        page = await other.get("/v1/log", "alice", after=first)
        listed = await other.get(
            "/v1/notifications", "alice", before=(await one.get("/v1/log", "alice"))["cursor"]
        )
        client = await (await other.connect("alice", first)).live()

        assert page["entries"] == listed["notifications"] == client.entries == []
        assert page["counts"] == listed["counts"] == {"unread": 0, "unseen": 0, "total": 0}
