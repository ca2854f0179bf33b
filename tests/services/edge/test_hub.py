"""The hub and its streams: each connected user gets every entry of theirs once, and no other's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts
from tidings.contracts.subjects import Person
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.heartbeat import Heartbeat
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.inbox_queries import PAGE_BYTES, PAGE_ROWS
from tidings.edge.delivery.log_reader import HEAD, Unreplayable
from tidings.edge.delivery.user_stream import UserStream
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage

from tests.services.edge.fake_log import (
    ANN,
    BOB,
    LIMIT_NOTIFICATIONS,
    FakeLog,
    cursor_at,
    decode_frame,
    join,
    leave,
    make_page,
    make_row,
    mark,
    notification_id,
    notify,
    notify_topic,
    sequences_in,
)
from tests.waiting import wait_until


class Subscriber:
    """A connection that takes frames at its cursor; a busy one has to read on from the log."""

    is_live = True
    dialect: str | None = None
    takes_counts_delta = False

    def __init__(self) -> None:
        self.cursor = cursor_at(0)
        self.is_busy = False
        self.frames: list[EncodedFrame] = []
        self.heartbeats: list[tuple[Cursor, bool]] = []
        self.resume_count = 0
        self.revocation_checks = 0

    @property
    def sent_cursor(self) -> Cursor:
        return self.cursor

    def try_deliver(self, frame: EncodedFrame, after: Cursor) -> bool:
        if self.is_busy or self.cursor != after:
            self.resume()
            return False
        assert frame.cursor
        self.frames.append(frame)
        self.cursor = frame.cursor
        return True

    def resume(self) -> None:
        self.resume_count += 1

    def send_heartbeat(self, log_unreachable: bool) -> None:
        self.heartbeats.append((self.cursor, log_unreachable))

    def ask_to_move(self, after_seconds: float) -> None:
        raise AssertionError("no test drains an edge")

    def end_if_revoked(self) -> None:
        self.revocation_checks += 1

    @property
    def sequences(self) -> list[int]:
        """The sequences of all entries that it got."""
        return [sequence for frame in self.frames for sequence in sequences_in(frame)]


class EdgeHub:
    """A hub over a fake log."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.log.queries.page = make_page(0)
        self.hub = Hub(self.log.reader)

    def subscribe(self, person: Person) -> tuple[UserStream, Subscriber]:
        subscriber = Subscriber()
        return self.hub.subscribe(person, subscriber), subscriber

    async def connect(self, person: Person = ANN) -> tuple[UserStream, Subscriber]:
        """Subscribe at the head of the log."""
        stream, subscriber = self.subscribe(person)
        await stream.wait_until_open()
        subscriber.cursor = stream.cursor
        return stream, subscriber

    def deliver(self, *messages: StreamMessage) -> None:
        """Append messages to the log, and deliver them as one batch."""
        self.hub.deliver(self.log.append(*messages))


@pytest.fixture
def edge() -> EdgeHub:
    return EdgeHub()


def unread(count: int) -> Counts:
    """Return the counts of notifications that are all new."""
    return Counts(unread=count, unseen=count, total=count)


async def test_the_entries_of_a_batch_reach_their_user_in_one_frame(edge: EdgeHub) -> None:
    stream, ann = await edge.connect()
    _, bob = await edge.connect(BOB)

    edge.deliver(notify(ANN, 1), notify(BOB, 2), notify(ANN, 4), notify(Person("b", "ann"), 5))

    (frame,) = map(decode_frame, ann.frames)
    assert (ann.sequences, bob.sequences) == ([1, 4], [2])
    assert (frame.after, frame.cursor, frame.counts) == (
        str(cursor_at(0)),
        str(cursor_at(4)),
        unread(2),
    )
    assert [(entry.id, entry.user) for entry in frame.entries] == [
        (notification_id(1), "ann"),
        (notification_id(4), "ann"),
    ]
    assert (stream.cursor, ann.cursor) == (cursor_at(4), cursor_at(4))
    assert bob.cursor == cursor_at(2, BOB)


async def test_consecutive_batches_form_a_chain(edge: EdgeHub) -> None:
    _, ann = await edge.connect()

    edge.deliver(notify(ANN, 1))
    edge.deliver(mark(ANN, 2, "read", 1))
    edge.deliver(notify(ANN, 3))

    frames = [decode_frame(frame) for frame in ann.frames]
    assert [frame.after for frame in frames[1:]] == [frame.cursor for frame in frames[:-1]]
    assert [frame.counts.unread for frame in frames] == [1, 0, 1]


async def test_all_connections_of_a_user_get_the_same_frame(edge: EdgeHub) -> None:
    first_stream, first = await edge.connect()
    second_stream, second = await edge.connect()

    edge.deliver(notify(ANN, 1))

    assert first_stream is second_stream
    assert first.frames == second.frames
    assert len(first.frames) == 1
    assert edge.hub.subscriber_count == 2
    assert edge.hub.subscribers_of(ANN) == [first, second]


async def test_the_last_connection_that_leaves_ends_the_stream(edge: EdgeHub) -> None:
    stream, first = await edge.connect()
    _, second = await edge.connect()
    empty = asyncio.create_task(edge.hub.wait_until_empty())

    edge.hub.unsubscribe(stream, first)
    await asyncio.sleep(0)
    assert (edge.hub.stream_of(ANN), empty.done()) == (stream, False)
    edge.hub.unsubscribe(stream, second)
    async with asyncio.timeout(5):
        await empty
    edge.deliver(notify(ANN, 1))

    assert edge.hub.stream_of(ANN) is None
    assert edge.hub.subscribers_of(ANN) == edge.hub.streams() == []
    assert first.frames == second.frames == []


async def test_a_revocation_is_checked_by_all_connections_of_the_user(edge: EdgeHub) -> None:
    _, ann = await edge.connect()
    _, bob = await edge.connect(BOB)

    edge.hub.end_revoked(ANN)
    edge.hub.end_revoked(Person("acme", "away"))

    assert (ann.revocation_checks, bob.revocation_checks) == (1, 0)
    assert [stream.person for stream in edge.hub.streams(lambda each: each.person == BOB)] == [BOB]


async def test_what_arrives_while_a_stream_opens_is_in_its_state(edge: EdgeHub) -> None:
    edge.log.queries.is_open.clear()
    stream, ann = edge.subscribe(ANN)
    opening = asyncio.create_task(stream.wait_until_open())
    await asyncio.sleep(0)
    assert (stream.newest_sequence, stream.newest_notification) == (HEAD, 0)
    edge.deliver(notify(ANN, 1))
    assert ann.frames == []

    edge.log.queries.is_open.set()
    await opening
    assert stream.cursor == cursor_at(1)
    assert sequences_in(await stream.next_frame(cursor_at(0))) == [1]
    ann.cursor = stream.cursor
    edge.deliver(notify(ANN, 2))

    assert ann.sequences == [2]
    assert decode_frame(ann.frames[0]).counts == unread(2)
    assert (stream.newest_sequence, stream.newest_notification) == (2, 2)


async def test_all_who_wait_for_a_stream_share_one_read_and_its_error(edge: EdgeHub) -> None:
    edge.log.queries.page = None
    edge.log.stream.is_away = True
    edge.log.ring.floor = edge.log.ring.head = 9
    stream, _ = edge.subscribe(ANN)
    errors = await asyncio.gather(
        stream.wait_until_open(), stream.wait_until_open(), return_exceptions=True
    )
    assert [type(error) for error in errors] == [Unavailable, Unavailable]
    assert len(edge.log.queries.queries) == 1

    edge.log.queries.page = make_page(9)
    await stream.wait_until_open()

    assert stream.cursor == cursor_at(9)


async def test_a_connection_that_ends_while_a_stream_opens_does_not_disturb_the_others(
    edge: EdgeHub,
) -> None:
    edge.log.queries.is_open.clear()
    stream, _ = edge.subscribe(ANN)
    ended, other = (asyncio.create_task(stream.wait_until_open()) for _ in range(2))
    await asyncio.sleep(0)

    ended.cancel()
    await asyncio.sleep(0)
    edge.log.queries.is_open.set()

    async with asyncio.timeout(5):
        await other
    assert len(edge.log.queries.queries) == 1


async def test_members_get_the_entries_of_a_topic_as_their_own(edge: EdgeHub) -> None:
    _, ann = await edge.connect()
    _, bob = await edge.connect(BOB)
    _, stranger = await edge.connect(Person("acme", "cho"))

    edge.deliver(join(ANN, 1), join(BOB, 2), notify_topic(3), notify_topic(4, excluded="ann"))

    assert (ann.sequences, bob.sequences, stranger.sequences) == ([3], [3, 4], [])
    for subscriber, user in ((ann, "ann"), (bob, "bob")):
        (frame,) = map(decode_frame, subscriber.frames)
        assert {entry.user for entry in frame.entries} == {user}
    assert decode_frame(bob.frames[0]).counts == unread(2)


async def test_a_user_who_leaves_a_relation_gets_no_more_of_its_topic(edge: EdgeHub) -> None:
    stream, ann = await edge.connect()

    edge.deliver(notify_topic(1), join(ANN, 2), notify_topic(3), leave(ANN, 4), notify_topic(5))
    edge.deliver(notify_topic(6))
    assert ann.sequences == [3]

    edge.deliver(join(ANN, 7))
    edge.deliver(notify_topic(8))
    assert ann.sequences == [3, 8]
    assert sequences_in(await stream.next_frame(cursor_at(0))) == [3, 8]


async def test_memberships_from_before_the_connection_hold(edge: EdgeHub) -> None:
    edge.log.queries.page = make_page(0, members_since=0)
    edge.deliver(notify_topic(1))
    _, ann = await edge.connect()

    edge.deliver(notify_topic(2))
    edge.deliver(leave(ANN, 3))
    edge.deliver(notify_topic(4))

    assert ann.sequences == [2]


async def test_a_user_who_disconnects_is_removed_from_the_readers_of_topics(
    edge: EdgeHub,
) -> None:
    stream, ann = await edge.connect()
    _, bob = await edge.connect(BOB)
    edge.deliver(join(ANN, 1), join(BOB, 2))

    edge.hub.unsubscribe(stream, ann)
    before = stream.cursor
    edge.deliver(notify_topic(3))

    assert (ann.sequences, bob.sequences, stream.cursor) == ([], [3], before)


@pytest.mark.parametrize(
    ("count", "text"), [(PAGE_ROWS + 1, "-"), (3, "x" * (PAGE_BYTES // 2))], ids=["rows", "bytes"]
)
async def test_a_batch_that_exceeds_a_frame_is_read_from_the_log(count: int, text: str) -> None:
    edge = EdgeHub()
    stream, ann = await edge.connect()
    messages = [mark(ANN, 1 + number, "read") for number in range(count)]
    if text != "-":
        messages = [notify(ANN, 1 + number, message=text) for number in range(count)]

    edge.deliver(*messages)
    assert (ann.frames, ann.resume_count, stream.cursor) == ([], 1, cursor_at(count))

    received: list[int] = []
    cursor = ann.cursor
    while frame := await stream.next_frame(cursor):
        received += sequences_in(frame)
        assert frame.cursor and frame.cursor > cursor
        assert frame.more == (frame.cursor != stream.cursor)
        cursor = frame.cursor
    assert received == list(range(1, count + 1))


async def test_a_batch_that_trims_the_log_is_read_from_the_log(edge: EdgeHub) -> None:
    stream, ann = await edge.connect()

    edge.deliver(*[notify(ANN, 1 + number) for number in range(LIMIT_NOTIFICATIONS + 1)])

    assert (ann.frames, ann.resume_count) == ([], 1)
    with pytest.raises(Unreplayable) as error:
        await stream.next_frame(ann.cursor)
    assert error.value.reason == "expired"
    assert sequences_in(await stream.next_frame(cursor_at(2))) == [3, 4, 5, 6]


async def test_a_single_entry_that_trims_the_log_is_delivered(edge: EdgeHub) -> None:
    _, ann = await edge.connect()

    for number in range(LIMIT_NOTIFICATIONS + 2):
        edge.deliver(notify(ANN, 1 + number))

    assert ann.sequences == [1, 2, 3, 4, 5, 6, 7]
    assert decode_frame(ann.frames[-1]).counts == unread(LIMIT_NOTIFICATIONS)


async def test_of_a_trimmed_log_the_rest_is_read_if_that_is_enough(edge: EdgeHub) -> None:
    stream, ann = await edge.connect()
    edge.deliver(*[notify(ANN, 1 + number) for number in range(LIMIT_NOTIFICATIONS + 1)])
    edge.log.queries.page = make_page(6, *map(make_row, (2, 3, 4, 5, 6)), horizon=2)
    edge.log.ring.floor = 6

    assert sequences_in(await stream.next_frame(ann.cursor, whole=False)) == [2, 3, 4, 5, 6]


async def test_a_connection_that_is_behind_reads_on_and_another_gets_the_frame(
    edge: EdgeHub,
) -> None:
    stream, behind = await edge.connect()
    _, busy = await edge.connect()
    _, live = await edge.connect()
    edge.deliver(notify(ANN, 1))
    behind.cursor = cursor_at(0)
    busy.is_busy = True

    edge.deliver(notify(ANN, 2))

    assert (live.sequences, behind.resume_count, busy.resume_count) == ([1, 2], 1, 1)
    assert sequences_in(await stream.next_frame(behind.cursor)) == [1, 2]
    assert sequences_in(await stream.next_frame(busy.cursor)) == [2]
    assert await stream.next_frame(live.cursor) is None


async def test_connections_at_the_same_cursor_share_a_frame_until_it_is_outdated(
    edge: EdgeHub,
) -> None:
    stream, _ = await edge.connect()
    edge.deliver(notify(ANN, 1))

    frame = await stream.next_frame(cursor_at(0))
    assert await stream.next_frame(cursor_at(0)) is frame
    edge.deliver(notify(ANN, 2))

    assert sequences_in(await stream.next_frame(cursor_at(0))) == [1, 2]
    assert sequences_in(await stream.next_frame(cursor_at(1))) == [2]


async def test_a_frame_ends_at_the_streams_cursor_though_the_ring_has_more(
    edge: EdgeHub,
) -> None:
    stream, ann = await edge.connect()
    edge.deliver(notify(ANN, 1))
    undelivered = edge.log.append(mark(ANN, 2, "read", 1))

    frame = await stream.next_frame(cursor_at(0))
    assert frame
    assert (sequences_in(frame), frame.cursor) == ([1], cursor_at(1))

    edge.hub.deliver(undelivered)
    assert ann.sequences == [1, 2]


async def test_what_a_later_entry_of_the_batch_deletes_is_not_delivered(edge: EdgeHub) -> None:
    _, ann = await edge.connect()

    edge.deliver(notify(ANN, 1), notify(ANN, 2), mark(ANN, 3, "deleted", 1))

    (frame,) = map(decode_frame, ann.frames)
    assert ann.sequences == [2, 3]
    assert frame.counts == unread(1)


async def test_an_expired_notification_is_not_delivered(edge: EdgeHub) -> None:
    _, ann = await edge.connect()

    edge.deliver(notify(ANN, 1, expires=datetime.now(UTC) - timedelta(seconds=1)))

    assert (ann.sequences, ann.cursor) == ([], cursor_at(1))
    assert decode_frame(ann.frames[0]).counts == unread(0)


async def test_a_heartbeat_moves_the_cursor_to_the_head_first(edge: EdgeHub) -> None:
    stream, ann = await edge.connect()
    edge.deliver(notify(ANN, 1), notify(BOB, 5))

    stream.send_heartbeat(edge.log.ring.head, log_unreachable=False)
    stream.send_heartbeat(edge.log.ring.head, log_unreachable=True)

    assert [sequences_in(frame) for frame in ann.frames] == [[1], []]
    assert decode_frame(ann.frames[1]).counts == unread(1)
    assert ann.heartbeats == [(cursor_at(5), False), (cursor_at(5), True)]


async def test_a_client_beyond_the_streams_cursor_gets_counts_as_soon_as_the_ring_is_there(
    edge: EdgeHub,
) -> None:
    """A replay from the log ends at the ring's head, which other users' entries move."""
    edge.deliver(notify(ANN, 1))
    stream, _ = await edge.connect()

    edge.deliver(notify(BOB, 2), notify(BOB, 3))

    assert stream.cursor == cursor_at(1)
    complete = [n for n in range(5) if stream.is_complete_at(cursor_at(n))]
    assert complete == [1, 2, 3]
    frame = decode_frame(stream.counts_frame(cursor_at(3)))
    assert (frame.after, frame.cursor, frame.counts) == (
        str(cursor_at(3)),
        str(cursor_at(3)),
        unread(1),
    )


async def test_a_stream_that_is_not_open_sends_no_heartbeat(edge: EdgeHub) -> None:
    stream, ann = edge.subscribe(ANN)
    edge.deliver(notify(BOB, 1))

    stream.send_heartbeat(edge.log.ring.head, log_unreachable=False)

    assert (ann.heartbeats, ann.frames, stream.topics) == ([], [], ())


async def test_counts_that_a_busy_connection_missed_come_with_the_next_heartbeat(
    edge: EdgeHub,
) -> None:
    stream, ann = await edge.connect()
    edge.deliver(notify(ANN, 1))
    ann.is_busy = True
    stream.send_counts()
    assert len(ann.frames) == 1

    ann.is_busy = False
    for _ in range(2):
        stream.send_heartbeat(edge.log.ring.head, log_unreachable=False)

    assert [sequences_in(frame) for frame in ann.frames] == [[1], []]
    assert decode_frame(ann.frames[1]).counts == unread(1)
    assert len(ann.heartbeats) == 2


@pytest.mark.parametrize("moves", ["with a heartbeat", "with a hidden entry"])
async def test_counts_that_expire_when_an_empty_frame_moves_the_cursor_are_sent_after_it(
    edge: EdgeHub, moves: str
) -> None:
    stream, ann = await edge.connect()
    edge.deliver(notify(ANN, 1, expires=datetime.now(UTC) + timedelta(seconds=0.2)))
    await asyncio.sleep(0.21)
    if moves == "with a heartbeat":
        edge.deliver(notify(BOB, 5))
    else:
        edge.deliver(notify(ANN, 5, expires=datetime.now(UTC) - timedelta(seconds=1)))
    jetstream = cast(Any, SimpleNamespace(connected=True))

    async def has_counts() -> bool:
        return len(ann.frames) == 3

    heartbeat = asyncio.create_task(Heartbeat(jetstream, edge.hub, edge.log.ring, 0.04).run())
    try:
        await wait_until(has_counts)
    finally:
        heartbeat.cancel()

    _, moved, counted = map(decode_frame, ann.frames)
    assert (moved.after, moved.cursor) == (str(cursor_at(1)), str(cursor_at(5)))
    assert counted.after == counted.cursor == str(stream.cursor)
    assert (counted.entries, counted.counts) == ((), unread(0))


async def test_rows_ahead_of_the_ring_do_not_move_a_client_past_what_the_ring_lacks(
    edge: EdgeHub,
) -> None:
    edge.log.append(notify(ANN, 2), notify(ANN, 3))
    edge.log.queries.page = make_page(5, *map(make_row, (2, 3, 4, 5)))
    stream, subscriber = edge.subscribe(ANN)
    await stream.wait_until_open()

    missed = await stream.next_frame(cursor_at(2))
    assert missed
    assert (sequences_in(missed), missed.cursor) == ([3], cursor_at(3))
    subscriber.cursor = cursor_at(3)
    edge.deliver(notify(ANN, 4))
    edge.deliver(notify(ANN, 5))

    assert (subscriber.sequences, subscriber.cursor) == ([4, 5], cursor_at(5))
    cursors = [frame.cursor.sequence for frame in subscriber.frames if frame.cursor]
    assert cursors == [4, 5]
    assert decode_frame(subscriber.frames[-1]).counts == unread(4)
