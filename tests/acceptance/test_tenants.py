"""Tenants with the same users, projects and ids see nothing of each other, in any spelling."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.builders import make_event
from tests.driver import WAIT_SECONDS, Client, Tidings
from tests.streams import read_entries, read_stored_events

pytestmark = pytest.mark.usefixtures("calm")

TRICKY = (
    "a", "A", "a.b", "a/b", "a b", "a_b", "a_2eb", "a%2eb", "a-b",
    "_", "__", "-", "*", ">", "a.>", "a.*", "..", "$JS.API.>", "/", "//",
    "é", "e\u0301", "日本語", "👩\u200d🚀", "a\u00a0b", "ａ",
    "'; DROP TABLE inbox.notification; --", "\\", '"', "%", "{}",
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
async def open_tenants(tidings: Tidings, names: Sequence[str]) -> AsyncIterator[list[Tidings]]:
    """Yield a driver for each of these tenants."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Tidings(tidings.url, tidings.runtime, name))
            for name in names
        ]


def make_tenant_announcement(tenant: str, user: str, number: int) -> dict[str, Any]:
    """Return an announcement to one user; its id and source are the same in every tenant."""
    words = {"title": f"{tenant} · {user} · {number}"[:150], "message": f"{tenant}|{user}"}
    return make_event(
        "announcement.published", identifier=f"{user[:100]}/{number}", to={"users": [user]}, **words
    )


def own_titles(notifications: Sequence[dict[str, Any]], tenant: str, user: str) -> list[str]:
    """Return the titles; fail if a notification belongs to another user."""
    for notification in notifications:
        assert (notification["tenant"], notification["user"], notification["message"]) == (
            tenant,
            user,
            f"{tenant}|{user}",
        )
    return [notification["title"] for notification in notifications]


async def wait_for_cursor(driver: Tidings, user: str, count: int) -> str:
    """Wait until a snapshot has this many notifications, and return its cursor."""
    async with asyncio.timeout(WAIT_SECONDS):
        # Rows follow the log a moment later, without a signal.
        while True:
            snapshot = await driver.get("/v1/log", user)
            if len(snapshot["notifications"]) >= count:
                return snapshot["cursor"]
            await asyncio.sleep(0.02)


async def check_sees_own(driver: Tidings, user: str, titles: list[str], read_count: int) -> None:
    """Check that list, counts, pages, snapshot and stream show exactly these notifications."""
    assert own_titles(await driver.list_all(user), driver.tenant, user) == titles[::-1]
    assert (await driver.get("/v1/counts", user)) == {
        "unread": len(titles) - read_count,
        "unseen": len(titles) - read_count,
        "total": len(titles),
    }
    assert (
        own_titles((await driver.get("/v1/log", user))["notifications"], driver.tenant, user)
        == titles[::-1]
    )
    epoch = (await driver.get("/v1/log", user))["cursor"].split("-")[0]
    replay = await driver.replay(user, f"{epoch}-0")
    assert sorted(own_titles(list(replay.notifications.values()), driver.tenant, user)) == sorted(
        titles
    )
    async with driver.events(user, f"{epoch}-0") as stream:
        await stream.live()
        assert sorted(
            own_titles(list(stream.notifications.values()), driver.tenant, user)
        ) == sorted(titles)


@pytest.mark.parametrize("seed", [1])
async def test_users_of_the_same_name_in_many_tenants_see_only_their_own(
    tidings: Tidings, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"{tidings.tenant}{name}" for name in chance.sample(TRICKY, 8)] + [
        f"{tidings.tenant}{'日' * (128 - len(tidings.tenant))}"
    ]
    users = chance.sample(USERS, 6)
    plan: Plan = {(tenant, user): [] for tenant in names for user in users}
    async with open_tenants(tidings, names) as drivers:
        for driver in drivers:
            events = [
                make_tenant_announcement(driver.tenant, user, n)
                for user in users
                for n in range(chance.randrange(4))
            ]
            for notification in chance.sample(events, len(events)):
                plan[driver.tenant, notification["data"]["to"]["users"][0]].append(
                    notification["data"]["title"]
                )
                await driver.emit(notification)
        read_counts: dict[tuple[str, str], int] = {}
        for driver in drivers:
            for user in users:
                titles = plan[driver.tenant, user]
                await driver.wait_for_counts(user, total=len(titles))
                if chance.random() < 0.5:
                    await mark_all_read(
                        driver, user, up_to=await wait_for_cursor(driver, user, len(titles))
                    )
                    read_counts[driver.tenant, user] = len(titles)

        for driver in drivers:
            for user in users:
                await check_sees_own(
                    driver,
                    user,
                    plan[driver.tenant, user],
                    read_counts.get((driver.tenant, user), 0),
                )


async def mark_all_read(driver: Tidings, user: str, **selection: Any) -> httpx.Response:
    body = {"state": "read", **selection}
    response = await driver.http.post(
        "/v1/notifications/mark", json=body, headers=driver.headers(user)
    )
    assert response.status_code == 200, response.text
    return response


async def test_every_spelling_of_a_tenant_is_a_different_tenant(tidings: Tidings) -> None:
    names = [f"{tidings.tenant}{name}" for name in TRICKY] + [
        "*",
        ">",
        f"{tidings.tenant}.>",
        tidings.tenant,
    ]
    async with open_tenants(tidings, names) as drivers:
        await asyncio.gather(
            *(
                driver.emit(make_tenant_announcement(driver.tenant, "alice", 0))
                for driver in drivers
            )
        )

        for driver in drivers:
            assert len(await read_stored_events(driver)) == 1
            await driver.wait_for_counts("alice", total=1)
            assert own_titles(await driver.list_all("alice"), driver.tenant, "alice") == [
                f"{driver.tenant} · alice · 0"[:150]
            ]
            assert len(await read_entries(driver, "alice")) == 1


async def test_every_spelling_of_a_user_is_a_different_user(tidings: Tidings) -> None:
    names = sorted({*TRICKY, *USERS})
    clients = {user: await (await tidings.connect(user)).live() for user in names}

    await tidings.emit(*(make_tenant_announcement(tidings.tenant, user, 0) for user in names))

    for user, client in clients.items():
        assert own_titles(await client.until(1), tidings.tenant, user) == [
            f"{tidings.tenant} · {user} · 0"[:150]
        ]
    await tidings.emit(*(make_tenant_announcement(tidings.tenant, user, 1) for user in names))
    for user, client in clients.items():
        own_titles(await client.until(2), tidings.tenant, user)
        assert client.counts["total"] == 2


async def test_a_mark_in_one_tenant_changes_no_other(tidings: Tidings) -> None:
    async with open_tenants(tidings, [f"{tidings.tenant}.{n}" for n in range(3)]) as drivers:
        clients: list[Client] = []
        for driver in drivers:
            clients.append(await (await driver.connect("alice")).live())
            await driver.emit(
                make_tenant_announcement(driver.tenant, "alice", 0),
                make_tenant_announcement(driver.tenant, "alice", 1),
            )
        ids = [notification["id"] for client in clients for notification in await client.until(2)]
        assert len(set(ids)) == 6

        await clients[0].mark("read", *ids)
        epoch = str(clients[0].cursor).split("-")[0]
        newest = max(int(str(client.cursor).split("-")[1]) for client in clients)
        await clients[0].mark("deleted", up_to=f"{epoch}-{newest}")

        for driver, client, total in zip(drivers, clients, (0, 2, 2), strict=True):
            await driver.emit(make_tenant_announcement(driver.tenant, "alice", 2))
            await client.until_counts(total=total + 1, unread=total + 1)
            assert len(await driver.list_all("alice", "unread")) == total + 1
            own_titles(
                [
                    notification
                    for notification in client.entries
                    if notification["entry"] == "notification"
                ],
                driver.tenant,
                "alice",
            )


async def test_relations_and_announcements_to_all_do_not_cross_tenants(tidings: Tidings) -> None:
    chance, expected_counts = random.Random(3), defaultdict[tuple[str, str], int](int)
    async with open_tenants(
        tidings, [f"{tidings.tenant}{name}" for name in ("", ".a", ">", "*")]
    ) as drivers:
        for driver in drivers:
            members = chance.sample(USERS[:6], 3)
            await driver.emit(*(make_event("user.joined", user_id=user) for user in members))
            await driver.emit(
                make_event("team_member.added", project_id="1", user_id=members[0], role="manager")
            )
            for to in (
                {"everyone": True},
                {"relation": "project:1#manager"},
                {"relation": "tenant#member"},
            ):
                await driver.emit(make_event("announcement.published", title="", message="", to=to))
            for user in members:
                expected_counts[driver.tenant, user] += 2
            expected_counts[driver.tenant, members[0]] += 2

        for driver in drivers:
            for user in USERS[:6]:
                await driver.wait_for_counts(user, total=expected_counts[driver.tenant, user])
        # Time for a notification to arrive that must not arrive.
        await asyncio.sleep(0.3)
        for driver in drivers:
            for user in USERS[:6]:
                assert len(await driver.list_all(user)) == expected_counts[driver.tenant, user]


async def test_a_cursor_of_another_tenant_discloses_nothing(tidings: Tidings) -> None:
    async with open_tenants(tidings, [f"{tidings.tenant}.{n}" for n in range(2)]) as (
        tenant,
        other_tenant,
    ):
        await tenant.emit(*(make_tenant_announcement(tenant.tenant, "alice", n) for n in range(3)))
        await tenant.wait_for_counts("alice", total=3)
        first = (await tenant.list_all("alice"))[-1]["cursor"]

        page = await other_tenant.get("/v1/log", "alice", after=first)
        refusal = await other_tenant.http.get(
            "/v1/notifications",
            params={"before": (await tenant.get("/v1/log", "alice"))["cursor"]},
            headers=other_tenant.headers("alice"),
        )
        client = await (await other_tenant.connect("alice", first)).live()

        assert page["entries"] == client.entries == []
        assert page["counts"] == {"unread": 0, "unseen": 0, "total": 0}
        assert (refusal.status_code, refusal.json()["reason"]) == (410, "epoch")
