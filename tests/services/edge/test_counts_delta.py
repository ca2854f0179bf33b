"""Counts as differences: a client that adds them has the counts that any other client is sent."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import CountsDelta, Entries
from tidings.contracts.notifications import Counts, Mark
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.lazy_inbox import PENDING_LIMIT_ENTRIES
from tidings.edge.delivery.log_reader import Unreplayable
from tidings.edge.delivery.user_stream import UserStream
from tidings.runtime.log.follow import StreamMessage

from tests.clock import Clock
from tests.services.edge.fake_log import (
    ANN,
    BOB,
    LIMIT_NOTIFICATIONS,
    SUBJECTS,
    FakeLog,
    cursor_at,
    decode_frame,
    join,
    leave,
    make_message,
    make_page,
    mark,
    notification_id,
    notify,
    notify_topic,
)

STEPS = 120
LARGE_LIMIT = 60
STATES = ("read", "unread", "seen", "archived", "unarchived", "snoozed", "deleted")


class CountingClient:
    """A connection whose client keeps counts; with `adds_counts` it takes differences."""

    is_live = True
    dialect: str | None = None

    def __init__(self, *, adds_counts: bool) -> None:
        self._adds_counts = adds_counts
        self.cursor = cursor_at(0)
        self.is_busy = False
        self.counts: Counts | None = None
        self.frames: list[Any] = []
        self.bodies: list[bytes] = []

    @property
    def sent_cursor(self) -> Cursor:
        return self.cursor

    @property
    def takes_counts_delta(self) -> bool:
        return self._adds_counts and self.counts is not None

    def try_deliver(self, frame: EncodedFrame, after: Cursor) -> bool:
        if self.is_busy or self.cursor != after:
            return False
        self.receive(frame)
        return True

    def receive(self, frame: EncodedFrame) -> None:
        """Apply a frame as a client does."""
        decoded = decode_frame(frame)
        self.frames.append(decoded)
        self.bodies.append(frame.body)
        self.cursor = frame.cursor or self.cursor
        if decoded.counts:
            self.counts = decoded.counts
        elif isinstance(decoded, Entries) and (delta := decoded.counts_delta):
            assert self.takes_counts_delta and self.counts
            self.counts = Counts(
                unread=self.counts.unread + delta.unread,
                unseen=self.counts.unseen + delta.unseen,
                total=self.counts.total + delta.total,
            )

    async def catch_up(self, stream: UserStream) -> None:
        """Read on up to the head, as a connection does."""
        self.is_busy, self.counts = False, None
        try:
            while (frame := await stream.next_frame(self.cursor)) and frame.cursor != self.cursor:
                self.receive(frame)
        except Unreplayable:
            pass
        if self.cursor.sequence < stream.cursor.sequence:
            self.cursor, self.counts = stream.cursor, None  # the fake has no rows of what is gone
        if self.counts is None:
            self.receive(stream.counts_frame(self.cursor))

    def resume(self) -> None:
        raise AssertionError("no test reads on by itself")

    def send_heartbeat(self, log_unreachable: bool) -> None:
        raise AssertionError("a test sends heartbeats by itself")

    def ask_to_move(self, after_seconds: float) -> None:
        raise AssertionError("no test drains an edge")

    def end_if_revoked(self) -> None:
        raise AssertionError("no test revokes a session")


class World:
    """One user's stream over a fake log, with clients of one kind."""

    def __init__(self, limit: int, *clients: CountingClient) -> None:
        self.log = FakeLog()
        self.log.reader._limit = limit
        self.log.queries.page = make_page(0)
        self.hub = Hub(self.log.reader)
        self.clients = list(clients)

    async def open(self) -> None:
        for client in self.clients:
            self.stream = self.hub.subscribe(ANN, client)
        await self.stream.wait_until_open()
        for client in self.clients:
            await client.catch_up(self.stream)

    def deliver(self, *messages: StreamMessage) -> None:
        self.hub.deliver(self.log.append(*messages))

    def pass_time(self) -> None:
        """Send the counts that time alone has changed."""
        if self.stream.next_expiry <= time.time():
            self.stream.send_counts()

    def send_heartbeat(self) -> None:
        for client in self.clients:
            if not client.is_busy:
                with_counts = client.takes_counts_delta
                client.receive(self.stream.heartbeat_frame(client.cursor, with_counts=with_counts))

    async def catch_up(self) -> None:
        """Have the clients read on that are behind and not busy."""
        for client in self.clients:
            if not client.is_busy and client.cursor != self.stream.cursor:
                await client.catch_up(self.stream)

    async def replace_client(self, place: int, client: CountingClient) -> None:
        self.hub.unsubscribe(self.stream, self.clients[place])
        self.clients[place] = client
        self.hub.subscribe(ANN, client)
        client.cursor = self.stream.cursor
        await client.catch_up(self.stream)


class History:
    """Random messages of a user's log and of a topic."""

    def __init__(self, chance: random.Random, clock: Clock) -> None:
        self._chance = chance
        self._clock = clock
        self._sequence = 0
        self._ids: list[int] = []

    def next_batch(self) -> list[StreamMessage]:
        count = self._chance.choice((1, 1, 1, 1, 2, 4))
        return [self._next_message() for _ in range(count)]

    def _next_message(self) -> StreamMessage:
        self._sequence += self._chance.choice((1, 1, 3))
        kinds = ("own", "expiring", "again", "topic", "left out", "join", "leave", "mark", "other")
        make = {
            "own": self._notify,
            "expiring": self._notify_expiring,
            "again": self._notify_again,
            "topic": self._notify_topic,
            "left out": lambda: notify_topic(self._sequence, excluded=ANN.user),
            "join": lambda: join(ANN, self._sequence),
            "leave": lambda: leave(ANN, self._sequence),
            "mark": self._mark,
            "other": lambda: notify(BOB, self._sequence),
        }
        kind = self._chance.choices(kinds, (8, 3, 1, 8, 1, 2, 1, 4, 2))[0]
        return make[kind if self._ids else "own"]()

    def _notify_expiring(self) -> StreamMessage:
        seconds = self._chance.uniform(-5, 40)
        return self._notify(expires=datetime.fromtimestamp(self._clock() + seconds, UTC))

    def _notify_again(self) -> StreamMessage:
        return self._notify(id=notification_id(self._chance.choice(self._ids)))

    def _notify_topic(self) -> StreamMessage:
        self._ids.append(self._sequence)
        return notify_topic(self._sequence)

    def _notify(self, **fields: Any) -> StreamMessage:
        self._ids.append(self._sequence)
        return notify(ANN, self._sequence, **fields)

    def _mark(self) -> StreamMessage:
        state: Any = self._chance.choice(STATES)
        if state == "snoozed":
            now = datetime.fromtimestamp(self._clock(), UTC)
            until = now + timedelta(seconds=self._chance.uniform(1, 30))
            ids = (notification_id(self._chance.choice(self._ids)),)
            body = Mark(state=state, at=now, ids=ids, until=until)
            return make_message(SUBJECTS.inbox_subject(ANN), self._sequence, body)
        count = min(3, len(self._ids))
        return mark(ANN, self._sequence, state, *self._chance.sample(self._ids, count))


async def take_random_step(world: World, chance: random.Random) -> None:
    """Send a heartbeat, or have the second client lag, read on, or be replaced by another one."""
    match chance.choices(("none", "heartbeat", "lag", "read on", "replace"), (8, 2, 2, 4, 1))[0]:
        case "heartbeat":
            world.send_heartbeat()
        case "lag":
            world.clients[1].is_busy = True
        case "read on":
            await world.clients[1].catch_up(world.stream)
        case "replace":
            client = CountingClient(adds_counts=chance.random() < 0.7)
            await world.replace_client(1, client)
        case _:
            pass


@pytest.mark.parametrize("seed", range(40))
async def test_differences_add_up_to_the_counts_that_other_clients_are_sent(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, clock = random.Random(seed), Clock(time.time())
    monkeypatch.setattr(time, "time", clock)
    limit = chance.choice((LIMIT_NOTIFICATIONS, LARGE_LIMIT))
    usual = World(limit, CountingClient(adds_counts=False))
    adding = World(limit, CountingClient(adds_counts=True), CountingClient(adds_counts=True))
    await usual.open()
    await adding.open()
    history = History(chance, clock)

    for _ in range(STEPS):
        batch = history.next_batch()
        for world in (usual, adding):
            world.deliver(*batch)
        await take_random_step(adding, chance)
        clock.advance(chance.choice((0, 0, 0, 1, 20)))
        for world in (usual, adding):
            world.pass_time()
            await world.catch_up()
        (expected,) = usual.clients
        for client in adding.clients:
            if not client.is_busy:
                assert (client.cursor, client.counts) == (expected.cursor, expected.counts)

    assert adding.stream.inbox.counts(clock()) == usual.stream.inbox.counts(clock())
    assert adding.stream.inbox.visible_states(clock()) == usual.stream.inbox.visible_states(clock())


@pytest.fixture
async def world() -> World:
    world = World(LARGE_LIMIT, CountingClient(adds_counts=True))
    await world.open()
    return world


async def test_a_new_notification_comes_with_a_difference(world: World) -> None:
    world.deliver(notify(ANN, 1), notify(ANN, 2))
    world.deliver(join(ANN, 3), notify_topic(4))

    first, second = world.clients[0].frames[-2:]
    assert (first.counts, first.counts_delta) == (None, CountsDelta(unread=2, unseen=2, total=2))
    assert (second.counts, second.counts_delta) == (None, CountsDelta(unread=1, unseen=1, total=1))
    assert (second.after, second.cursor) == (str(cursor_at(2)), str(cursor_at(4)))
    assert world.clients[0].counts == Counts(unread=3, unseen=3, total=3)


@pytest.mark.parametrize(
    "messages",
    [
        [mark(ANN, 9, "read", 1)],
        [notify(ANN, 9, id=notification_id(1))],
        [notify(ANN, 8, id=notification_id(8)), notify(ANN, 9, id=notification_id(8))],
        [notify(ANN, 9, expires=datetime(2020, 1, 1, tzinfo=UTC))],
    ],
    ids=["a mark", "one that replaces another", "one that is replaced", "one that is expired"],
)
async def test_what_changes_others_comes_with_counts(
    world: World, messages: list[StreamMessage]
) -> None:
    world.deliver(notify(ANN, 1))

    world.deliver(*messages)

    last = world.clients[0].frames[-1]
    assert (last.counts, last.counts_delta) == (world.stream.inbox.counts(time.time()), None)


async def test_one_that_drops_the_oldest_comes_with_counts() -> None:
    world = World(LIMIT_NOTIFICATIONS, CountingClient(adds_counts=True))
    await world.open()

    for number in range(LIMIT_NOTIFICATIONS + 1):
        world.deliver(notify(ANN, number + 1))

    *_, before, last = world.clients[0].frames
    assert before.counts_delta
    assert last.counts == Counts(**dict.fromkeys(("unread", "unseen", "total"), 5))


@pytest.mark.parametrize("adds_counts", [True, False])
async def test_a_frame_with_counts_stays_as_it_was_beside_or_without_such_clients(
    adds_counts: bool,
) -> None:
    usual = CountingClient(adds_counts=False)
    world = World(LARGE_LIMIT, CountingClient(adds_counts=adds_counts), usual)
    await world.open()

    world.deliver(notify(ANN, 1))

    entry = frames.encode_entry(cursor_at(0).epoch[:8], 1, world.log.stream.messages[0].data)
    counts = Counts(unread=1, unseen=1, total=1)
    expected = frames.entries(cursor_at(0), cursor_at(1), [entry], counts)
    assert usual.bodies[-1] == expected.body
    assert b"counts_delta" not in expected.body
    assert world.stream.heartbeat_frame(usual.cursor, with_counts=False).body == (
        b'{"type":"heartbeat","cursor":"%b"}' % str(usual.cursor).encode()
    )


async def test_a_state_that_nothing_asks_for_keeps_a_limited_number_of_entries(
    world: World,
) -> None:
    world.log.reader._limit = LARGE_LIMIT
    for number in range(PENDING_LIMIT_ENTRIES + 3):
        world.deliver(notify(ANN, number + 1))

    lazy: Any = world.stream._inbox
    assert len(lazy._pending) == 3
    assert world.stream.inbox.counts(time.time()).total == PENDING_LIMIT_ENTRIES + 3
    assert lazy._pending is None
    assert world.stream.newest_notification == PENDING_LIMIT_ENTRIES + 3


async def test_a_heartbeat_replaces_the_counts_of_a_client_that_adds(world: World) -> None:
    world.deliver(notify(ANN, 1))
    world.clients[0].counts = Counts(unread=7, unseen=7, total=7)

    world.send_heartbeat()

    assert world.clients[0].counts == Counts(unread=1, unseen=1, total=1)
