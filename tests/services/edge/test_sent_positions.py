"""Up to where a user was sent everything: by connections whose sends wait, end, or are shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Notification
from tidings.contracts.subjects import Person
from tidings.edge.connection.connection import ConnectionContext, UserConnection
from tidings.edge.connection.replay import CanonicalReplay
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.hub import Hub
from tidings.edge.dialects.engine.connection import DialectConnection
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.engine.messages import websocket_messages
from tidings.edge.dialects.engine.renderer import DialectRenderer
from tidings.edge.dialects.engine.replay import DialectReplay
from tidings.runtime.auth.identity import Identity
from tidings.runtime.settings import Settings

from tests.services.edge.fake_log import ANN, EPOCH, FakeLog, cursor_at, make_page, notify

UNLIMITED = 1_000_000


class Plain(Dialect):
    """Sends the title of a notification, then the number of unread ones."""

    name = "plain"

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        yield DialectFrame({"title": notification.title}, notification=notification)

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        yield DialectFrame({"unread": counts.unread})


class Client:
    """A client that takes as many messages as there is room for; the next one waits."""

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(UNLIMITED)
        self.received: list[Any] = []

    def limit_room(self, messages: int) -> None:
        self.room = asyncio.Semaphore(messages)

    async def send_message(self, message: Any) -> None:
        room = self.room
        await room.acquire()
        self.received.append(msgspec.json.decode(message["text"]))

    async def send_frame(self, frame: EncodedFrame) -> None:
        self.received.append(msgspec.json.decode(frame.body))
        await self.room.acquire()


class Edge:
    """A hub over a fake log, the connections of Ann, and what was recorded as sent to her."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.log.queries.page = make_page(0)
        self.hub = Hub(self.log.reader)
        self.recorded_sequences: list[int] = []
        self.acknowledged: list[Cursor] = []
        acks = SimpleNamespace(
            record_sent=lambda _, sequence: self.recorded_sequences.append(sequence),  # pyright: ignore
            record_ack=lambda *ack: self.acknowledged.append(ack[-1]),  # pyright: ignore
            flush_sent=self._flush_sent,
        )
        nothing = SimpleNamespace(
            acquire_slot=lambda _: SimpleNamespace(release=lambda: None, peer=None),  # pyright: ignore
            check_admission=lambda _: None,  # pyright: ignore
            add_connection=lambda *_: None,  # pyright: ignore
            remove_connection=lambda *_: None,  # pyright: ignore
            record_arrival=lambda *_, **__: None,  # pyright: ignore
            record_departure=lambda *_: None,  # pyright: ignore
            record_delivery=lambda _: None,  # pyright: ignore
            dialect="plain",
            transport="websocket",
        )
        parts = (acks, nothing, nothing, nothing, nothing)
        self.context = ConnectionContext(
            Settings(), self.log.reader, self.hub, *cast(tuple[Any, ...], parts)
        )

    @asynccontextmanager
    async def connect(self, sent: int = 0) -> AsyncGenerator[Client]:
        """Yield a client of the dialect that has reached the head."""
        client = Client()
        connection = DialectConnection(
            self.context,
            _identity(),
            DialectRenderer(
                Plain(), websocket_messages, includes_cursors=False, greets_with_cursor=False
            ),
            DialectReplay(self.log.reader, _sent_positions(sent)),
            client.send_message,
            slot=self.context.limits.acquire_slot(_identity()),
        )
        async with _running(connection.run(None, _listen), lambda: connection.is_live):
            yield client

    @asynccontextmanager
    async def connect_canonical(self) -> AsyncGenerator[tuple[UserConnection, Client]]:
        """Yield a connection of the canonical protocol that has reached the head."""
        client = Client()
        connection = UserConnection(
            self.context,
            _identity(),
            client.send_frame,
            CanonicalReplay(self.log.reader),
            slot=self.context.limits.acquire_slot(_identity()),
        )
        running = connection.run(str(cursor_at(0)), lambda _: _listen())
        async with _running(running, lambda: connection.is_live):
            yield connection, client

    def deliver(self, sequence: int) -> None:
        self.hub.deliver(self.log.append(notify(ANN, sequence)))

    async def _flush_sent(self, person: Person) -> None:
        assert person == ANN


def _identity() -> Identity:
    return Identity(ANN, frozenset(), time.time() + 3600)


def _sent_positions(sequence: int) -> Any:
    async def sequence_of(_: Person) -> int:
        return sequence

    return SimpleNamespace(sequence_of=sequence_of)


async def _listen() -> None:
    await asyncio.Event().wait()


async def _settle() -> None:
    """Let all tasks run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def _running(run: Awaitable[None], is_live: Callable[[], bool]) -> AsyncGenerator[None]:
    task = asyncio.ensure_future(run)
    await _settle()
    assert is_live()
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_messages_of_a_frame_that_wait_when_the_client_leaves_do_not_count_as_sent() -> None:
    edge = Edge()
    async with edge.connect() as client:
        client.limit_room(1)
        edge.deliver(1)
        await _settle()
        assert client.received == [{"unread": 0}, {"title": "number 1"}]

    assert max(edge.recorded_sequences) == 0


async def test_messages_of_a_frame_that_wait_are_sent_on_the_users_next_connection() -> None:
    edge = Edge()
    async with edge.connect() as stuck:
        stuck.limit_room(0)
        edge.deliver(1)

        async with edge.connect() as client:
            assert client.received == [{"title": "number 1"}, {"unread": 1}]


async def test_a_frame_whose_send_waited_counts_as_sent_after_its_last_message() -> None:
    edge = Edge()
    async with edge.connect() as client:
        client.limit_room(1)
        edge.deliver(1)
        client.room.release()
        await _settle()
        assert client.received[1:] == [{"title": "number 1"}, {"unread": 1}]
        assert edge.recorded_sequences[-1] == 1

        async with edge.connect() as other:
            assert other.received == [{"unread": 1}]


async def test_a_frame_counts_as_sent_though_the_connection_it_was_rendered_for_is_stuck() -> None:
    edge = Edge()
    async with edge.connect() as stuck, edge.connect() as client:
        stuck.limit_room(0)

        edge.deliver(1)

        assert client.received[1:] == [{"title": "number 1"}, {"unread": 1}]
        assert edge.recorded_sequences[-1] == 1


async def test_a_canonical_client_may_acknowledge_a_frame_before_its_send_returns() -> None:
    edge = Edge()
    async with edge.connect_canonical() as (connection, client):
        client.limit_room(0)
        edge.deliver(1)

        connection.record_ack(str(cursor_at(1)))

        assert edge.acknowledged == [cursor_at(1)]


async def test_a_live_connection_in_the_middle_of_a_replay_does_not_count() -> None:
    replay = DialectReplay(FakeLog().reader, _sent_positions(2))
    subscribers = [
        SimpleNamespace(is_live=True, sent_cursor=Cursor(EPOCH, 7, 7, 9)),
        SimpleNamespace(is_live=True, sent_cursor=cursor_at(3)),
        SimpleNamespace(is_live=False, sent_cursor=cursor_at(8)),
    ]
    stream = SimpleNamespace(subscribers=subscribers, wait_until_open=lambda: asyncio.sleep(0))
    connection: Any = SimpleNamespace(
        stream=stream, identity=_identity(), send_hello=lambda: asyncio.sleep(0)
    )

    await replay.begin(connection, None)

    assert connection.cursor == cursor_at(3)
