"""Topics: readers see the same whether an announcement is stored once or once per user."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from tidings.client.jetstream import connect
from tidings.contracts.cursor import EPOCH_CHARACTERS, Cursor, personal_epoch
from tidings.contracts.ids import escape
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.runtime.log.read import read

from tests.acceptance.faults import Installation, Tenant
from tests.builders import make_event
from tests.driver import Client, Tidings

USERS = ("ann", "ben", "cas", "dov", "eve")
STEPS = 15
SEED = 1
LISTS = ("all", "unread", "unseen", "archived", "snoozed")
STATES = ("read", "unread", "seen", "archived", "unarchived", "unsnoozed", "deleted", "snoozed")
FAR = (datetime.now(UTC) + timedelta(days=300)).isoformat()
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
NEVER = 1_000_000

Description = list[tuple[str, tuple[str, ...]]]


class Step(NamedTuple):
    """Events, or a mark by a user, without ids and cursors.

    A mark names notifications by their place among those of the user, or an earlier step.
    """

    events: tuple[dict[str, Any], ...] = ()
    user: str = ""
    mark: Mapping[str, Any] = MappingProxyType({})
    places: tuple[int, ...] = ()
    up_to: int | None = None


class World:
    """One installation that plays a history."""

    def __init__(self, tenant: Tenant, edges: dict[str, Tidings]) -> None:
        self.tenant = tenant
        self.edges = edges
        self.cursors: list[str] = []
        self.snapshots: list[dict[str, dict[str, dict[str, Any]]]] = []
        self.clients: dict[str, Client] = {}

    async def connect_users(self) -> None:
        for user in (*USERS, "clock"):
            self.clients[user] = await (await self.tenant.connect(user)).live()
        await self._record_cursor()

    async def apply_step(self, step: Step) -> None:
        """Apply a step, and wait until every connected user has all of it."""
        if step.events:
            await self.tenant.emit(*step.events)
        else:
            await self._mark(step)
        await self._record_cursor()

    def cursor_of(self, user: str, place: int) -> str:
        """Return a recorded cursor as a user's own."""
        recorded = Cursor.parse(self.cursors[place])
        stream_epoch = recorded.epoch[:EPOCH_CHARACTERS]
        epoch = personal_epoch(stream_epoch, Person(self.tenant.tenant, user))
        return str(recorded._replace(epoch=epoch))

    async def _mark(self, step: Step) -> None:
        notifications = sorted(self.clients[step.user].notifications.values(), key=key_of)
        ids = (
            [notifications[place % len(notifications)]["id"] for place in step.places]
            if notifications
            else [str(uuid4())]
        )
        selection = (
            {}
            if "filter" in step.mark
            else {"ids": ids}
            if step.up_to is None
            else {"up_to": self.cursor_of(step.user, step.up_to)}
        )
        response = await self.tenant.http.post(
            "/v1/notifications/mark",
            json={**step.mark, **selection},
            headers=self.tenant.headers(step.user),
        )
        assert response.status_code == 200, response.text

    async def _record_cursor(self) -> None:
        """Record a cursor of the log at which every user has everything before it."""
        clock, number = self.clients["clock"], len(self.cursors)
        await self.tenant.emit(
            make_event(
                "announcement.published",
                title=f"tick {number}",
                message="-",
                to={"users": ["clock"]},
            )
        )
        while (
            clock.notifications.get(next(reversed(clock.notifications), ""), {}).get("title")
            != f"tick {number}"
        ):
            await clock.next("entries", "snapshot")
        self.cursors.append(str(clock.cursor))
        for user in USERS:
            await self._catch_up(self.clients[user])
        self.snapshots.append(
            {
                user: {
                    name: dict(notification)
                    for name, notification in self.clients[user].notifications.items()
                }
                for user in USERS
            }
        )

    async def _catch_up(self, client: Client) -> None:
        """Wait until a client has everything so far: a refusal is answered after all of it."""
        assert not (await client.mark("read", up_to="00000000-0"))["ok"]

    def live_entries(self, user: str) -> list[tuple[str, ...]]:
        """Return all entries that a user received live, in order."""
        names: dict[str, str] = {}
        entries: list[tuple[str, ...]] = []
        for entry in self.clients[user].entries:
            if entry["entry"] == "notification":
                assert entry["user"] == user
                names[entry["id"]] = key_of(entry)
                entries.append(("told", key_of(entry)))
            else:
                entries.append(
                    (
                        "marked",
                        entry["state"],
                        *sorted(
                            names[notification]
                            for notification in entry.get("ids", ())
                            if notification in names
                        ),
                    )
                )
        return entries


def key_of(notification: dict[str, Any]) -> str:
    return f"{notification['title']}: {notification['message']}"


def describe_list(notifications: dict[str, dict[str, Any]]) -> Description:
    """Return notifications in the order of the log, without ids and cursors."""
    by_sequence = sorted(
        notifications.values(), key=lambda notification: int(notification["cursor"].split("-")[1])
    )
    return [
        (
            key_of(notification),
            tuple(name for name in ("seen", "read", "archived", "snoozed") if name in notification),
        )
        for notification in by_sequence
    ]


def make_history(seed: int) -> list[Step]:
    """Return random steps of a few users."""
    chance = random.Random(seed)
    joins = Step(tuple(make_event("user.joined", user_id=user) for user in USERS[:3]))
    return [joins, *(make_step(chance, number) for number in range(STEPS))]


def make_step(chance: random.Random, number: int) -> Step:
    if chance.random() < 0.5:
        return Step(
            tuple(
                make_random_event(chance, f"{number}.{place}")
                for place in range(chance.choice((1, 1, 2, 6)))
            )
        )
    state = chance.choice(STATES)
    mark = {"state": state, "op": f"op {number}", **({"until": FAR} if state == "snoozed" else {})}
    user = chance.choice(USERS)
    match chance.choice(("ids", "ids", "up_to", "filter")):
        case "up_to":
            return Step(user=user, mark=mark, up_to=chance.randrange(number + 1))
        case "filter":
            return Step(
                user=user,
                mark={
                    **mark,
                    "filter": {"category": chance.choice(("system_announcement", "project"))},
                },
            )
        case _:
            return Step(user=user, mark=mark, places=tuple(chance.sample(range(20), 3)))


def make_random_event(chance: random.Random, name: str) -> dict[str, Any]:
    user, project, actor = chance.choice(USERS), chance.choice("78"), chance.choice((None, *USERS))
    match chance.choices(
        ("join", "leave", "team", "parts", "tell", "told", "named"), (5, 3, 5, 2, 6, 6, 2)
    )[0]:
        case "join":
            return make_event("user.joined", user_id=user)
        case "leave":
            return make_event("user.left", user_id=user)
        case "team":
            return make_event(
                "team_member.added", project_id=project, project_name="Garden", user_id=user
            )
        case "parts":
            return make_event("team_member.removed", project_id=project, user_id=user)
        case "told":
            return make_event(
                "project.status_changed",
                actor=actor,
                project_id=project,
                project_name="Garden",
                new_status=name,
            )
        case "named":
            return make_event(
                "announcement.published",
                title=name,
                message="-",
                to={"users": [user], "everyone": True},
            )
        case _:
            to = chance.choice(({"everyone": True}, {"relation": f"project:{project}#member"}))
            return make_event("announcement.published", actor=actor, title=name, message="-", to=to)


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run an installation without topics."""
    async with Installation(
        tmp_path_factory.mktemp("alone"), {"topic_threshold_members": NEVER}
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run an installation that stores every possible announcement as a topic."""
    async with Installation(
        tmp_path_factory.mktemp("shared"), {"topic_threshold_members": 0}
    ) as running:
        yield running


async def open_world(stack: AsyncExitStack, installation: Installation) -> World:
    """Open a tenant with three edges: one with a ring, one with rows, one with the stream only."""
    tenant = await stack.enter_async_context(Tenant(installation))
    rows = installation.process("edge", log="rows", port=0, ring_bytes=1)
    tail = installation.process("edge", log="tail", port=0, ring_bytes=1, postgres_dsn=NOWHERE)
    edges: dict[str, Tidings] = {"ring": tenant}
    urls = await asyncio.gather(rows.start(), tail.start())
    for name, process, url in zip(("rows", "tail"), (rows, tail), urls, strict=True):
        stack.callback(process.kill)
        edges[name] = await stack.enter_async_context(Tidings(url, None, tenant.tenant))
    return World(tenant, edges)


async def test_a_history_looks_the_same_with_and_without_topics(
    alone: Installation, shared: Installation
) -> None:
    async with AsyncExitStack() as stack:
        personal_world, shared_world = await asyncio.gather(
            *(open_world(stack, installation) for installation in (alone, shared))
        )
        await asyncio.gather(personal_world.connect_users(), shared_world.connect_users())
        for step in make_history(SEED):
            await asyncio.gather(personal_world.apply_step(step), shared_world.apply_step(step))

        assert await count_shared_entries(alone, personal_world) == 0
        assert await count_shared_entries(shared, shared_world) > 2
        for user in USERS:
            assert shared_world.live_entries(user) == personal_world.live_entries(user)
            assert [
                describe_list(notification[user]) for notification in shared_world.snapshots
            ] == [describe_list(notification[user]) for notification in personal_world.snapshots]
            assert shared_world.clients[user].counts == personal_world.clients[user].counts
            await check_same_lists(personal_world, shared_world, user)
            await check_same_replays(personal_world, shared_world, user, random.Random(SEED))


async def check_same_lists(alone: World, shared: World, user: str) -> None:
    counts = alone.clients[user].counts
    await alone.tenant.wait_for_counts(user, **counts)
    for name in ("ring", "rows"):
        for list_name in LISTS:
            expected, shown = [
                await world.edges[name].list_all(user, list_name) for world in (alone, shared)
            ]
            assert [describe_state(notification) for notification in shown] == [
                describe_state(notification) for notification in expected
            ], f"{list_name} by {name}"
            assert {notification["user"] for notification in shown} <= {user}
        assert (
            await shared.edges[name].get("/v1/counts", user)
            == await alone.edges[name].get("/v1/counts", user)
            == counts
        )


def describe_state(notification: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return key_of(notification), tuple(
        name for name in ("seen", "read", "archived", "snoozed") if name in notification
    )


async def check_same_replays(alone: World, shared: World, user: str, chance: random.Random) -> None:
    """Compare replays from random cursors: from the ring, the rows and the stream."""
    for name, count in (("ring", 3), ("rows", 3), ("tail", 1)):
        for place in chance.sample(range(len(alone.cursors)), count):
            expected, replay = [
                await world.edges[name].replay(
                    user, world.cursor_of(user, place), {**world.snapshots[place][user]}
                )
                for world in (alone, shared)
            ]
            assert describe_list(replay.notifications) == describe_list(expected.notifications), (
                f"{name} after step {place}"
            )
            assert replay.counts == expected.counts == alone.clients[user].counts
            assert [describe_entry(entry) for entry in replay.entries] == [
                describe_entry(entry) for entry in expected.entries
            ], f"{name} after step {place}"


def describe_entry(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return an entry without ids and cursors."""
    return (
        describe_state(entry)
        if entry["entry"] == "notification"
        else ("mark", entry["state"], str(len(entry.get("ids", ()))))
    )  # type: ignore[return-value]


async def count_shared_entries(installation: Installation, world: World) -> int:
    """Return the number of entries in the logs of topics."""
    async with connect(installation.nats.url, "tests") as jetstream:
        return len(
            await read(
                jetstream, NOTIFICATIONS, f"inbox.@.{escape(world.tenant.tenant)}.>", after=0
            )
        )


async def test_no_topic_crosses_tenants_or_reaches_a_user_who_left(
    shared: Installation,
) -> None:
    async with Tenant(shared) as acme, Tenant(shared) as umbrella:
        for tenant in (acme, umbrella):
            await tenant.emit(
                make_event("user.joined", user_id="ann"), make_event("user.joined", user_id="ben")
            )
            await tenant.emit(make_announcement_to_all(f"first of {tenant.tenant}"))
        ann, ben, outsider = (
            await acme.connect("ann"),
            await acme.connect("ben"),
            await acme.connect("cas"),
        )
        for client in (ann, ben):
            await client.live()
            while not client.notifications:
                await client.next("entries")

        await acme.emit(
            make_event("user.left", user_id="ben"),
            make_event("user.joined", user_id="cas"),
            make_announcement_to_all("second"),
        )
        await umbrella.emit(make_announcement_to_all("not for acme"))
        for client in (ann, outsider):
            while "second" not in {
                notification["title"] for notification in client.notifications.values()
            }:
                await client.next("entries", "snapshot")

        titles = {
            user: [notification["title"] for notification in await acme.list_all(user)]
            for user in ("ann", "ben", "cas")
        }
        assert titles == {
            "ann": ["second", f"first of {acme.tenant}"],
            "ben": [f"first of {acme.tenant}"],
            "cas": ["second"],
        }
        assert [notification["title"] for notification in await umbrella.list_all("ben")] == [
            "not for acme",
            f"first of {umbrella.tenant}",
        ]
        assert {notification["title"] for notification in ben.notifications.values()} == {
            f"first of {acme.tenant}"
        }
        assert {notification["title"] for notification in outsider.notifications.values()} == {
            "second"
        }


async def test_reading_a_notification_of_a_topic_gives_a_receipt(
    shared: Installation,
) -> None:
    async with Tenant(shared) as tenant:
        await tenant.emit(*(make_event("user.joined", user_id=user) for user in ("ann", "ben")))
        everyone = {"title": "shared", "message": "-", "to": {"everyone": True}, "receipt": True}
        await tenant.emit(make_event("announcement.published", actor="cas", **everyone))
        await tenant.wait_for_counts("ben", total=1)
        ann = await (await tenant.connect("ann")).live()
        cas = await (await tenant.connect("cas")).live()

        await ann.mark("read", *ann.visible_ids)
        (receipt,) = await cas.until(1)

        assert (receipt["category"], receipt["message"]) == ("receipt", "ann has read: shared")
        assert await tenant.get("/v1/counts", "ben") == {"unread": 1, "unseen": 1, "total": 1}


async def test_a_user_whose_name_looks_like_a_topic_gets_nothing_of_it(
    shared: Installation,
) -> None:
    async with Tenant(shared) as tenant:
        await tenant.emit(
            make_event("user.joined", user_id="ann"), make_announcement_to_all("shared")
        )
        await tenant.wait_for_counts("ann", total=1)

        for name in ("@tenant#member", "@", "tenant#member"):
            assert await tenant.list_all(name) == []
            assert (await (await tenant.connect(name)).next("snapshot"))["notifications"] == []


def make_announcement_to_all(title: str) -> dict[str, Any]:
    return make_event("announcement.published", title=title, message="-", to={"everyone": True})
