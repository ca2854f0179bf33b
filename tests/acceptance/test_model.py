"""Devices that come, mark, break off and come back, against a model: each holds at its cursor exactly what the model says."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed

from tests.acceptance.model import (
    Marked,
    Model,
    Notified,
    State,
    counts,
    identifier,
    sequence,
    told,
    untold,
)
from tests.driver import Client, Tidings, event, hello_to
from tests.streams import entries
from tests.webs import webs

STEPS = 80
NOTIFICATIONS_LIMIT = 900
"""The log keeps a thousand notifications for a person; the model keeps all."""
DEVICES = 4
STATES = ("read", "unread", "seen", "archived", "unarchived", "snoozed", "unsnoozed", "deleted")
USER = "alice"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
WAIT_SECONDS = 15
GONE = (ConnectionClosed, httpx.HTTPError, httpx.StreamError, StopAsyncIteration)


class Device:
    """A phone or a tab: it keeps its cursor and what it holds, whatever becomes of its connections."""

    def __init__(self, tidings: Tidings) -> None:
        self._tidings = tidings
        self._stack = AsyncExitStack()
        self._reading: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._results: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.cursor: str | None = None
        self.held: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[str, State, dict[str, int]]] = []

    @property
    def connected(self) -> bool:
        return self._reading is not None and not self._reading.done()

    @property
    def talks(self) -> bool:
        return self.connected and self._client is not None and self._client._socket is not None

    async def come(self, transport: str) -> None:
        """Connect from the cursor, after any connection before is over."""
        await self.drop()
        self._client = await self._stack.enter_async_context(
            getattr(self._tidings, transport)(USER, self.cursor)
        )
        self._client.notifications = self.held
        self._reading = asyncio.create_task(self._read(self._client))

    async def drop(self) -> None:
        """Break off, without a word."""
        if self._client and self._client._socket:
            self._client._socket.transport.abort()
        if self._reading:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, *GONE):
                await self._reading
        with suppress(*GONE):
            await self._stack.aclose()
        self._reading = self._client = None

    async def mark(self, marked: Marked, patient: bool) -> int:
        """Mark, by a frame if there is somebody to send it to; send it again by HTTP when no answer comes. Returns its sequence."""
        given = {name: value for name, value in marked._asdict().items() if value}
        operation = {"op": uuid4().hex, **msgspec.to_builtins(given)}
        if self.talks:
            result = self._results[operation["op"]] = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError, ConnectionClosed):
                assert self._client
                await self._client.send({"type": "mark", **operation})
                answer = await asyncio.wait_for(result, 5 if patient else random.uniform(0, 0.005))
                assert answer["ok"], answer
                return sequence(answer["cursor"])
        response = await self._tidings.http.post(
            "/v1/notifications/mark", json=operation, headers=self._tidings.headers(USER)
        )
        assert response.status_code == 200, response.text
        return sequence(response.json()["cursor"])

    async def until(self, place: int) -> None:
        """Read until nothing is missing."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.cursor is None or sequence(self.cursor) < place or "." in self.cursor:
                if self._reading and self._reading.done():
                    await self._reading
                await asyncio.sleep(0.01)

    async def _read(self, client: Client) -> None:
        while True:
            frame = await client.next()
            self.cursor, self.held = client.cursor, client.notifications
            if (
                frame["type"] == "result"
                and (waiting := self._results.pop(frame["op"], None))
                and not waiting.done()
            ):
                waiting.set_result(frame)
            if frame["type"] in ("entries", "snapshot") and not frame.get("more"):
                self.history.append((str(client.cursor), told(self.held, set()), client.counts))


class World:
    """What was sent, and what was acknowledged."""

    def __init__(self, tidings: Tidings, seed: int) -> None:
        self.tidings = tidings
        self.chance = random.Random(seed)
        self.devices = [Device(tidings) for _ in range(DEVICES)]
        self.sent: list[str] = []
        self.expiring: set[str] = set()
        self.marks: dict[int, Marked] = {}
        self.last_expiry = time.time()

    async def step(self) -> None:
        """Something happens."""
        device = self.chance.choice(self.devices)
        match self.chance.choices(
            ("emit", "burst", "mark", "crowd", "come", "drop", "break", "rest"),
            (35, 2, 30, 4, 12, 6, 6, 5),
        )[0]:
            case "emit":
                await self._emit(self.chance.randrange(1, 6))
            case "burst":
                await self._emit(self.chance.randrange(40, 130))
            case "mark":
                await self._mark(device)
            case "crowd":
                await asyncio.gather(*(self._mark(each) for each in self.devices))
            case "come":
                await device.come(self._transport())
            case "break":
                await device.come(self._transport())
                await asyncio.sleep(self.chance.uniform(0, 0.02))
                await device.drop()
            case "drop":
                await device.drop()
            case _:
                await asyncio.sleep(self.chance.uniform(0, 0.1))

    def _transport(self) -> str:
        return self.chance.choice(("socket", "events"))

    async def _emit(self, count: int) -> None:
        events = [self._event() for _ in range(min(count, NOTIFICATIONS_LIMIT - len(self.sent)))]
        await self.tidings.emit(*events)

    def _event(self) -> dict[str, Any]:
        match self.chance.choices(("announced", "expiring", "assigned", "another"), (5, 1, 3, 2))[
            0
        ]:
            case "another":
                return hello_to("bob", "carol")
            case "assigned":
                one = event(
                    "task.assigned",
                    task_id=str(self.chance.randrange(9)),
                    task_title="Water",
                    user_id=USER,
                )
            case "expiring":
                seconds = self.chance.uniform(-0.5, 1.5)
                self.last_expiry = max(self.last_expiry, time.time() + seconds)
                one = hello_to(
                    USER,
                    "bob",
                    expires_at=(datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
                )
                self.expiring.add(identifier(one, self.tidings.tenant, USER))
            case _:
                one = hello_to(
                    USER, title=f"№ {len(self.sent)}", message="x" * self.chance.randrange(300)
                )
        self.sent.append(identifier(one, self.tidings.tenant, USER))
        return one

    async def _mark(self, device: Device) -> None:
        known = list(device.held)
        if not known or not device.cursor:
            return
        state = self.chance.choices(STATES, (6, 4, 3, 4, 3, 4, 3, 1))[0]
        if self.chance.random() < 0.25 and state != "deleted":
            up_to = self.chance.choice(
                (device.cursor, device.held[self.chance.choice(known)]["cursor"])
            )
            marked = Marked(state, up_to=up_to)
        elif self.chance.random() < 0.2 and state != "deleted":
            marked = Marked(
                state, filter={"category": self.chance.choice(("task", "system_announcement"))}
            )
        else:
            marked = Marked(
                state,
                tuple(self.chance.sample(known, min(len(known), self.chance.randrange(1, 6)))),
            )
        marked = marked._replace(until=TOMORROW if state == "snoozed" else None)
        self.marks[await device.mark(marked, patient=self.chance.random() < 0.8)] = marked

    async def model(self) -> Model:
        """The log as it must be: every notification once and in the order of the events, every mark where it was said to be."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                raw = {
                    message.sequence: msgspec.json.decode(message.data)
                    for message in await entries(self.tidings, USER)
                }
                notified = {
                    place: Notified(each["id"], each["category"])
                    for place, each in raw.items()
                    if each["entry"] == "notification"
                }
                if len(notified) >= len(self.sent):
                    break
                await asyncio.sleep(0.02)
        assert [each.id for each in notified.values()] == self.sent
        assert [place for place in raw if place not in notified] == sorted(self.marks)
        return Model({**notified, **self.marks})


@pytest.fixture
async def world(
    tidings: Tidings, chosen: Settings, edges: int, ring_bytes: int, seed: int
) -> AsyncIterator[World]:
    """A person with some devices at an edge of their own, or at several on one port."""
    more = {
        "ring_bytes": ring_bytes,
        "heartbeat_seconds": 0.5,
        "connections_per_user": 50,
        "log_level": "WARNING",
    }
    async with (
        webs(chosen, edges, **more) as (edge, *_),
        Tidings(edge.url, tidings.runtime, tidings.tenant) as driver,
    ):
        made = World(driver, seed)
        yield made
        for device in made.devices:
            await device.drop()


@pytest.mark.parametrize(
    ("edges", "ring_bytes", "seed"),
    [(1, 64 * 2**20, 1), (2, 64 * 2**20, 2), (1, 20_000, 3), (2, 20_000, 4)],
)
async def test_every_device_holds_at_its_cursor_what_the_model_says(world: World) -> None:
    for device in world.devices:
        await device.come("socket")
        await device.until(0)
    for _ in range(STEPS):
        await world.step()

    model = await world.model()
    last = model.sequences[-1]
    for device in world.devices:
        await device.come(world.chance.choice(("socket", "events")))
        await device.until(last)
        await device.drop()

    for device in world.devices:
        for cursor, held, counted in device.history:
            expected = without(model.at(sequence(cursor)), world.expiring)
            assert without(held, world.expiring) == expected, f"at {cursor}"
            for name, number in counts(expected).items():
                assert number <= counted[name] <= number + len(world.expiring), (
                    f"{name} at {cursor}"
                )
    await asyncio.sleep(max(0.0, world.last_expiry - time.time()) + 0.1)
    await agree(world, model, last)


async def agree(world: World, model: Model, last: int) -> None:
    """Lists, counts, and the log from any earlier cursor agree with the model."""
    tidings, final = world.tidings, without(model.at(last), world.expiring)
    newest_first = sorted(final, key=lambda name: -final[name].sequence)
    inbox = [name for name in newest_first if not final[name].archived and not final[name].snoozed]
    shown = {
        "all": inbox,
        "unread": [name for name in inbox if not final[name].read],
        "unseen": [name for name in inbox if not final[name].seen],
        "snoozed": [name for name in newest_first if final[name].snoozed],
        "archived": [name for name in newest_first if final[name].archived],
    }
    for listed, names in shown.items():
        assert [each["id"] for each in await tidings.listing(USER, listed)] == names, listed
    assert await tidings.get("/v1/counts", USER) == counts(final)
    cursors = [cursor for device in world.devices for cursor, *_ in device.history]
    for cursor in world.chance.sample(cursors, min(25, len(cursors))):
        known = untold(without(model.at(sequence(cursor)), world.expiring), cursor.split("-")[0])
        replayed = await tidings.replay(USER, cursor, known)
        assert told(replayed.notifications, set()) == final, f"after {cursor}"
        assert replayed.counts == counts(final)


def without(state: State, names: set[str]) -> State:
    return {name: each for name, each in state.items() if name not in names}
