"""Devices that reconnect and mark at random hold at each cursor what a model of the log holds."""

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
    LoggedMark,
    LoggedNotification,
    Model,
    State,
    count_states,
    make_client_state,
    notification_id_of,
    read_client_state,
    sequence_of,
)
from tests.builders import make_announcement, make_event
from tests.driver import Client, Tidings
from tests.streams import read_entries
from tests.web_processes import run_webs

STEPS = 80
NOTIFICATIONS_LIMIT = 900
"""Below the 1000 notifications per user that the log keeps, because the model keeps all."""
DEVICES = 4
STATES = ("read", "unread", "seen", "archived", "unarchived", "snoozed", "unsnoozed", "deleted")
USER = "alice"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
WAIT_SECONDS = 15
GONE = (ConnectionClosed, httpx.HTTPError, httpx.StreamError, StopAsyncIteration)


class Device:
    """A phone or a tab that keeps its cursor and its notifications across connections."""

    def __init__(self, tidings: Tidings) -> None:
        self._tidings = tidings
        self._stack = AsyncExitStack()
        self._reading: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._results: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.cursor: str | None = None
        self.notifications: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[str, State, dict[str, int]]] = []

    @property
    def is_connected(self) -> bool:
        return self._reading is not None and not self._reading.done()

    @property
    def has_socket(self) -> bool:
        return self.is_connected and self._client is not None and self._client._socket is not None

    async def connect(self, transport: str, *, adds_counts: bool = False) -> None:
        """Connect from the cursor, after the previous connection has ended."""
        await self.disconnect()
        announced = {"counts": "delta"} if adds_counts else {}
        client: Client = await self._stack.enter_async_context(
            getattr(self._tidings, transport)(USER, self.cursor, **announced)
        )
        client.notifications = self.notifications
        self._client, self._reading = client, asyncio.create_task(self._read(client))

    async def disconnect(self) -> None:
        """Abort the connection."""
        if self._client and self._client._socket:
            self._client._socket.transport.abort()
        if self._reading:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, *GONE):
                await self._reading
        with suppress(*GONE):
            await self._stack.aclose()
        self._reading = self._client = None

    async def mark(self, mark: LoggedMark, patient: bool) -> int:
        """Mark over the socket, or over HTTP without one or without an answer in time.

        Return the sequence of the mark.
        """
        fields = {name: value for name, value in mark._asdict().items() if value}
        operation = {"op": uuid4().hex, **msgspec.to_builtins(fields)}
        if self.has_socket:
            result = self._results[operation["op"]] = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError, ConnectionClosed):
                assert self._client
                await self._client.send({"type": "mark", **operation})
                # An impatient device gives up before the answer, and sends the mark again.
                answer = await asyncio.wait_for(result, 5 if patient else random.uniform(0, 0.005))
                assert answer["ok"], answer
                return sequence_of(answer["cursor"])
        response = await self._tidings.http.post(
            "/v1/notifications/mark", json=operation, headers=self._tidings.headers(USER)
        )
        assert response.status_code == 200, response.text
        return sequence_of(response.json()["cursor"])

    async def read_until(self, place: int) -> None:
        """Wait until everything up to a sequence has been read."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.cursor is None or sequence_of(self.cursor) < place or "." in self.cursor:
                if self._reading and self._reading.done():
                    await self._reading
                await asyncio.sleep(0.01)

    async def _read(self, client: Client) -> None:
        while True:
            frame = await client.next()
            self.cursor, self.notifications = client.cursor, client.notifications
            if (
                frame["type"] == "result"
                and (waiting := self._results.pop(frame["op"], None))
                and not waiting.done()
            ):
                waiting.set_result(frame)
            if frame["type"] in ("entries", "snapshot") and not frame.get("more"):
                self.history.append(
                    (
                        str(client.cursor),
                        read_client_state(self.notifications, set()),
                        client.counts,
                    )
                )


class World:
    """The events that were sent, and the marks that were acknowledged."""

    def __init__(self, tidings: Tidings, seed: int) -> None:
        self.tidings = tidings
        self.chance = random.Random(seed)
        self.devices = [Device(tidings) for _ in range(DEVICES)]
        self.sent_ids: list[str] = []
        self.expiring: set[str] = set()
        self.marks: dict[int, LoggedMark] = {}
        self.last_expiry = time.time()

    async def run_random_step(self) -> None:
        """Emit, mark, connect, disconnect or wait."""
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
                await asyncio.gather(*(self._mark(each_device) for each_device in self.devices))
            case "come":
                await device.connect(self._transport(), adds_counts=self.chance.random() < 0.8)
            case "break":
                await device.connect(self._transport())
                await asyncio.sleep(self.chance.uniform(0, 0.02))
                await device.disconnect()
            case "drop":
                await device.disconnect()
            case _:
                await asyncio.sleep(self.chance.uniform(0, 0.1))

    def _transport(self) -> str:
        return self.chance.choice(("socket", "events"))

    async def _emit(self, count: int) -> None:
        events = [
            self._event() for _ in range(min(count, NOTIFICATIONS_LIMIT - len(self.sent_ids)))
        ]
        await self.tidings.emit(*events)

    def _event(self) -> dict[str, Any]:
        match self.chance.choices(("announced", "expiring", "assigned", "another"), (5, 1, 3, 2))[
            0
        ]:
            case "another":
                return make_announcement("bob", "carol")
            case "assigned":
                event = make_event(
                    "task.assigned",
                    task_id=str(self.chance.randrange(9)),
                    task_title="Water",
                    user_id=USER,
                )
            case "expiring":
                seconds = self.chance.uniform(-0.5, 1.5)
                self.last_expiry = max(self.last_expiry, time.time() + seconds)
                event = make_announcement(
                    USER,
                    "bob",
                    expires_at=(datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
                )
                self.expiring.add(notification_id_of(event, self.tidings.tenant, USER))
            case _:
                event = make_announcement(
                    USER, title=f"№ {len(self.sent_ids)}", message="x" * self.chance.randrange(300)
                )
        self.sent_ids.append(notification_id_of(event, self.tidings.tenant, USER))
        return event

    async def _mark(self, device: Device) -> None:
        ids = list(device.notifications)
        if not ids or not device.cursor:
            return
        state = self.chance.choices(STATES, (6, 4, 3, 4, 3, 4, 3, 1))[0]
        if self.chance.random() < 0.25 and state != "deleted":
            up_to = self.chance.choice(
                (device.cursor, device.notifications[self.chance.choice(ids)]["cursor"])
            )
            mark = LoggedMark(state, up_to=up_to)
        elif self.chance.random() < 0.2 and state != "deleted":
            mark = LoggedMark(
                state, filter={"category": self.chance.choice(("task", "system_announcement"))}
            )
        else:
            mark = LoggedMark(
                state,
                tuple(self.chance.sample(ids, min(len(ids), self.chance.randrange(1, 6)))),
            )
        mark = mark._replace(until=TOMORROW if state == "snoozed" else None)
        self.marks[await device.mark(mark, patient=self.chance.random() < 0.8)] = mark

    async def build_model(self) -> Model:
        """Return the expected log.

        Each notification is in the order of the events, each mark at its acknowledged place.
        """
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                raw = {
                    message.sequence: msgspec.json.decode(message.data)
                    for message in await read_entries(self.tidings, USER)
                }
                notifications = {
                    place: LoggedNotification(notification["id"], notification["category"])
                    for place, notification in raw.items()
                    if notification["entry"] == "notification"
                }
                if len(notifications) >= len(self.sent_ids):
                    break
                await asyncio.sleep(0.02)
        assert [notification.id for notification in notifications.values()] == self.sent_ids
        assert [place for place in raw if place not in notifications] == sorted(self.marks)
        return Model({**notifications, **self.marks})


@pytest.fixture
async def world(
    tidings: Tidings, chosen: Settings, edges: int, ring_bytes: int, seed: int
) -> AsyncIterator[World]:
    """Run a user with several devices at one edge, or at several edges on one port."""
    settings = {
        "ring_bytes": ring_bytes,
        "heartbeat_seconds": 0.5,
        "connections_per_user": 50,
        "log_level": "WARNING",
    }
    async with (
        run_webs(chosen, edges, **settings) as (edge, *_),
        Tidings(edge.url, tidings.runtime, tidings.tenant) as driver,
    ):
        started_world = World(driver, seed)
        yield started_world
        for device in started_world.devices:
            await device.disconnect()


@pytest.mark.parametrize(
    ("edges", "ring_bytes", "seed"),
    [(1, 64 * 2**20, 1), (2, 64 * 2**20, 2), (1, 20_000, 3), (2, 20_000, 4)],
)
async def test_every_device_holds_at_each_cursor_what_the_model_holds(world: World) -> None:
    for device in world.devices:
        await device.connect("socket")
        await device.read_until(0)
    for _ in range(STEPS):
        await world.run_random_step()

    model = await world.build_model()
    last = model.sequences[-1]
    for device in world.devices:
        await device.connect(world.chance.choice(("socket", "events")))
        await device.read_until(last)
        await device.disconnect()

    for device in world.devices:
        for cursor, state, counts in device.history:
            expected = leave_out(model.state_at(sequence_of(cursor)), world.expiring)
            assert leave_out(state, world.expiring) == expected, f"at {cursor}"
            for name, number in count_states(expected).items():
                assert number <= counts[name] <= number + len(world.expiring), f"{name} at {cursor}"
    # From here on the counts depend on the expiry of no notification.
    await asyncio.sleep(max(0.0, world.last_expiry - time.time()) + 0.1)
    await check_agreement(world, model, last)


async def check_agreement(world: World, model: Model, last: int) -> None:
    """Check lists, counts and replays from random cursors against the model."""
    tidings, final = world.tidings, leave_out(model.state_at(last), world.expiring)
    newest_first = sorted(final, key=lambda name: -final[name].sequence)
    inbox = [name for name in newest_first if not final[name].archived and not final[name].snoozed]
    lists = {
        "all": inbox,
        "unread": [name for name in inbox if not final[name].read],
        "unseen": [name for name in inbox if not final[name].seen],
        "snoozed": [name for name in newest_first if final[name].snoozed],
        "archived": [name for name in newest_first if final[name].archived],
    }
    for list_name, names in lists.items():
        assert [
            notification["id"] for notification in await tidings.list_all(USER, list_name)
        ] == names, list_name
    assert await tidings.get("/v1/counts", USER) == count_states(final)
    cursors = [cursor for device in world.devices for cursor, *_ in device.history]
    for cursor in world.chance.sample(cursors, min(25, len(cursors))):
        notifications = make_client_state(
            leave_out(model.state_at(sequence_of(cursor)), world.expiring), cursor.split("-")[0]
        )
        replay = await tidings.replay(USER, cursor, notifications)
        assert read_client_state(replay.notifications, set()) == final, f"after {cursor}"
        assert replay.counts == count_states(final)


def leave_out(state: State, names: set[str]) -> State:
    return {
        name: notification_state for name, notification_state in state.items() if name not in names
    }
