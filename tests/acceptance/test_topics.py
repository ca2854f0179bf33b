"""Topics and telling everybody alone are the same to whoever reads: lists, counts, live frames, and replays from every cursor."""

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
from tidings.contracts.ids import escape
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.jetstream import connect
from tidings.runtime.read import read

from tests.acceptance.faults import Installation, Tenant
from tests.driver import Client, Tidings, event

USERS = ("ann", "ben", "cas", "dov", "eve")
STEPS = 15
SEED = 1
LISTS = ("all", "unread", "unseen", "archived", "snoozed")
STATES = ("read", "unread", "seen", "archived", "unarchived", "unsnoozed", "deleted", "snoozed")
FAR = (datetime.now(UTC) + timedelta(days=300)).isoformat()
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
NEVER = 1_000_000

Held = list[tuple[str, tuple[str, ...]]]


class Step(NamedTuple):
    """Something that happens, told without ids and cursors: events; or a mark by somebody of the n-th they hold, or up to a step."""

    events: tuple[dict[str, Any], ...] = ()
    user: str = ""
    mark: Mapping[str, Any] = MappingProxyType({})
    places: tuple[int, ...] = ()
    up_to: int | None = None


class World:
    """One installation's telling of a history."""

    def __init__(self, tenant: Tenant, edges: dict[str, Tidings]) -> None:
        self.tenant = tenant
        self.edges = edges
        self.cursors: list[str] = []
        self.held: list[dict[str, dict[str, dict[str, Any]]]] = []
        self.clients: dict[str, Client] = {}

    async def begin(self) -> None:
        for user in (*USERS, "clock"):
            self.clients[user] = await (await self.tenant.connect(user)).live()
        await self._tick()

    async def take(self, step: Step) -> None:
        """Let it happen, and wait until everybody connected was told all of it."""
        if step.events:
            await self.tenant.emit(*step.events)
        else:
            await self._mark(step)
        await self._tick()

    async def _mark(self, step: Step) -> None:
        held = sorted(self.clients[step.user].notifications.values(), key=key)
        ids = [held[place % len(held)]["id"] for place in step.places] if held else [str(uuid4())]
        which = (
            {}
            if "filter" in step.mark
            else {"ids": ids}
            if step.up_to is None
            else {"up_to": self.cursors[step.up_to]}
        )
        response = await self.tenant.http.post(
            "/v1/notifications/mark",
            json={**step.mark, **which},
            headers=self.tenant.headers(step.user),
        )
        assert response.status_code == 200, response.text

    async def _tick(self) -> None:
        """A place in the log that everybody may take for their cursor: all before it is routed and followed."""
        clock, number = self.clients["clock"], len(self.cursors)
        await self.tenant.emit(
            event(
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
            await self._until_here(self.clients[user])
        self.held.append(
            {
                user: {name: dict(each) for name, each in self.clients[user].notifications.items()}
                for user in USERS
            }
        )

    async def _until_here(self, client: Client) -> None:
        """Whoever asks for what is refused has the answer after all that came before."""
        assert not (await client.mark("read", up_to="00000000-0"))["ok"]

    def heard(self, user: str) -> list[tuple[str, ...]]:
        """All entries that came live, in order."""
        names: dict[str, str] = {}
        found: list[tuple[str, ...]] = []
        for entry in self.clients[user].entries:
            if entry["entry"] == "notification":
                assert entry["user"] == user
                names[entry["id"]] = key(entry)
                found.append(("told", key(entry)))
            else:
                found.append(
                    (
                        "marked",
                        entry["state"],
                        *sorted(names[each] for each in entry.get("ids", ()) if each in names),
                    )
                )
        return found


def key(notification: dict[str, Any]) -> str:
    return f"{notification['title']}: {notification['message']}"


def held(notifications: dict[str, dict[str, Any]]) -> Held:
    """What a client holds, in the order of the log; without ids and cursors."""
    ordered = sorted(notifications.values(), key=lambda each: int(each["cursor"].split("-")[1]))
    return [
        (key(each), tuple(name for name in ("seen", "read", "archived", "snoozed") if name in each))
        for each in ordered
    ]


def history(seed: int) -> list[Step]:
    """What may happen to a few people."""
    chance = random.Random(seed)
    joins = Step(tuple(event("user.joined", user_id=user) for user in USERS[:3]))
    return [joins, *(step(chance, number) for number in range(STEPS))]


def step(chance: random.Random, number: int) -> Step:
    if chance.random() < 0.5:
        return Step(
            tuple(
                happening(chance, f"{number}.{place}")
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


def happening(chance: random.Random, name: str) -> dict[str, Any]:
    user, project, actor = chance.choice(USERS), chance.choice("78"), chance.choice((None, *USERS))
    match chance.choices(
        ("join", "leave", "team", "parts", "tell", "told", "named"), (5, 3, 5, 2, 6, 6, 2)
    )[0]:
        case "join":
            return event("user.joined", user_id=user)
        case "leave":
            return event("user.left", user_id=user)
        case "team":
            return event(
                "team_member.added", project_id=project, project_name="Garden", user_id=user
            )
        case "parts":
            return event("team_member.removed", project_id=project, user_id=user)
        case "told":
            return event(
                "project.status_changed",
                actor=actor,
                project_id=project,
                project_name="Garden",
                new_status=name,
            )
        case "named":
            return event(
                "announcement.published",
                title=name,
                message="-",
                to={"users": [user], "everyone": True},
            )
        case _:
            to = chance.choice(({"everyone": True}, {"relation": f"project:{project}#member"}))
            return event("announcement.published", actor=actor, title=name, message="-", to=to)


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation where nothing is shared."""
    async with Installation(
        tmp_path_factory.mktemp("alone"), {"topic_recipients": NEVER}
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation where everything is shared that can be."""
    async with Installation(tmp_path_factory.mktemp("shared"), {"topic_recipients": 0}) as running:
        yield running


async def world(stack: AsyncExitStack, installation: Installation) -> World:
    """A tenant with three edges: one with a ring, one that must read rows, and one that has the stream alone."""
    tenant = await stack.enter_async_context(Tenant(installation))
    rows = installation.process("edge", log="rows", port=0, ring_bytes=1)
    tail = installation.process("edge", log="tail", port=0, ring_bytes=1, postgres_dsn=NOWHERE)
    edges: dict[str, Tidings] = {"ring": tenant}
    started = await asyncio.gather(rows.start(), tail.start())
    for name, process, url in zip(("rows", "tail"), (rows, tail), started, strict=True):
        stack.callback(process.kill)
        edges[name] = await stack.enter_async_context(Tidings(url, tenant.runtime, tenant.tenant))
    return World(tenant, edges)


async def test_a_history_is_the_same_to_everybody_shared_or_told_alone(
    alone: Installation, shared: Installation
) -> None:
    async with AsyncExitStack() as stack:
        one, other = await asyncio.gather(
            *(world(stack, installation) for installation in (alone, shared))
        )
        await asyncio.gather(one.begin(), other.begin())
        for happened in history(SEED):
            await asyncio.gather(one.take(happened), other.take(happened))

        assert await shared_entries(alone, one) == 0
        assert await shared_entries(shared, other) > 2
        for user in USERS:
            assert other.heard(user) == one.heard(user)
            assert [held(each[user]) for each in other.held] == [
                held(each[user]) for each in one.held
            ]
            assert other.clients[user].counts == one.clients[user].counts
            await same_lists(one, other, user)
            await same_replays(one, other, user, random.Random(SEED))


async def same_lists(alone: World, shared: World, user: str) -> None:
    counts = alone.clients[user].counts
    await alone.tenant.eventually(user, **counts)
    for name in ("ring", "rows"):
        for listed in LISTS:
            one, other = [await each.edges[name].listing(user, listed) for each in (alone, shared)]
            assert [stated(each) for each in other] == [stated(each) for each in one], (
                f"{listed} by {name}"
            )
            assert {each["user"] for each in other} <= {user}
        assert (
            await shared.edges[name].get("/v1/counts", user)
            == await alone.edges[name].get("/v1/counts", user)
            == counts
        )


def stated(notification: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return key(notification), tuple(
        name for name in ("seen", "read", "archived", "snoozed") if name in notification
    )


async def same_replays(alone: World, shared: World, user: str, chance: random.Random) -> None:
    """From many cursors by the ring, by the rows, and from some by the stream itself."""
    for name, count in (("ring", 3), ("rows", 3), ("tail", 1)):
        for place in chance.sample(range(len(alone.cursors)), count):
            one, other = [
                await each.edges[name].replay(user, each.cursors[place], {**each.held[place][user]})
                for each in (alone, shared)
            ]
            assert held(other.notifications) == held(one.notifications), (
                f"{name} after step {place}"
            )
            assert other.counts == one.counts == alone.clients[user].counts
            assert [named(entry) for entry in other.entries] == [
                named(entry) for entry in one.entries
            ], f"{name} after step {place}"


def named(entry: dict[str, Any]) -> tuple[str, ...]:
    """An entry without ids and cursors."""
    return (
        stated(entry)
        if entry["entry"] == "notification"
        else ("mark", entry["state"], str(len(entry.get("ids", ()))))
    )  # type: ignore[return-value]


async def shared_entries(installation: Installation, of: World) -> int:
    """How many entries lie in topics' logs."""
    async with connect(installation.nats.url, "tests") as jetstream:
        return len(
            await read(jetstream, NOTIFICATIONS, f"inbox.@.{escape(of.tenant.tenant)}.>", after=0)
        )


async def test_no_topic_crosses_tenants_and_who_left_hears_nothing_more(
    shared: Installation,
) -> None:
    async with Tenant(shared) as acme, Tenant(shared) as umbrella:
        for tenant in (acme, umbrella):
            await tenant.emit(
                event("user.joined", user_id="ann"), event("user.joined", user_id="ben")
            )
            await tenant.emit(to_all(f"first of {tenant.tenant}"))
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
            event("user.left", user_id="ben"), event("user.joined", user_id="cas"), to_all("second")
        )
        await umbrella.emit(to_all("not for acme"))
        for client in (ann, outsider):
            while "second" not in {each["title"] for each in client.notifications.values()}:
                await client.next("entries", "snapshot")

        titles = {
            user: [each["title"] for each in await acme.listing(user)]
            for user in ("ann", "ben", "cas")
        }
        assert titles == {
            "ann": ["second", f"first of {acme.tenant}"],
            "ben": [f"first of {acme.tenant}"],
            "cas": ["second"],
        }
        assert [each["title"] for each in await umbrella.listing("ben")] == [
            "not for acme",
            f"first of {umbrella.tenant}",
        ]
        assert {each["title"] for each in ben.notifications.values()} == {f"first of {acme.tenant}"}
        assert {each["title"] for each in outsider.notifications.values()} == {"second"}


async def test_whoever_reads_what_a_topic_told_is_named_to_the_sender_who_asked(
    shared: Installation,
) -> None:
    async with Tenant(shared) as tenant:
        await tenant.emit(*(event("user.joined", user_id=user) for user in ("ann", "ben")))
        everyone = {"title": "shared", "message": "-", "to": {"everyone": True}, "receipt": True}
        await tenant.emit(event("announcement.published", actor="cas", **everyone))
        await tenant.eventually("ben", total=1)
        ann = await (await tenant.connect("ann")).live()
        cas = await (await tenant.connect("cas")).live()

        await ann.mark("read", *ann.shown)
        (told,) = await cas.until(1)

        assert (told["category"], told["message"]) == ("receipt", "ann has read: shared")
        assert await tenant.get("/v1/counts", "ben") == {"unread": 1, "unseen": 1, "total": 1}


async def test_a_topic_is_told_to_a_user_who_is_called_like_it_no_more_than_to_others(
    shared: Installation,
) -> None:
    async with Tenant(shared) as tenant:
        await tenant.emit(event("user.joined", user_id="ann"), to_all("shared"))
        await tenant.eventually("ann", total=1)

        for name in ("@tenant#member", "@", "tenant#member"):
            assert await tenant.listing(name) == []
            assert (await (await tenant.connect(name)).next("snapshot"))["notifications"] == []


def to_all(title: str) -> dict[str, Any]:
    return event("announcement.published", title=title, message="-", to={"everyone": True})
