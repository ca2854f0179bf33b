"""The log reader: a user's log from the ring, the rows or the stream, and never with a gap."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
from tidings.contracts.codec import decode_entry
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import Snapshot
from tidings.contracts.notifications import Counts, Mark, Notification
from tidings.contracts.streams import MARKS_PER_NOTIFICATION
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import ListFilter
from tidings.edge.delivery.log_reader import HEAD, Unreplayable
from tidings.projections.inbox.inbox_state import InboxState
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage

from tests.services.edge.fake_log import (
    ANN,
    BOB,
    EPOCH,
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
    sequences_of,
)

NOW = 0.0
"""A time at which nothing has expired."""


class FakePostgres:
    """Answers which tenants have topics, at a checkpoint."""

    def __init__(self, checkpoint: int, tenants: list[str]) -> None:
        self._row = (checkpoint, tenants)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[FakePostgres]:
        yield self

    async def execute(self, *_: object) -> FakePostgres:
        return self

    async def fetchone(self) -> tuple[Any, ...]:
        return self._row


async def load_tenants(log: FakeLog, *tenants: str, checkpoint: int = 0) -> None:
    """Load the tenants that have topics."""
    postgres = cast(Any, FakePostgres(checkpoint, [*tenants]))
    await log.reader.tenants_with_topics.load(postgres, EPOCH, log.ring.floor)


async def read_frame(
    log: FakeLog, after: Cursor, state: InboxState | None = None, *, whole: bool = True
) -> EncodedFrame:
    """Return Ann's next frame after a cursor, by default with the state of her inbox now."""
    state = state or await log.reader.read_inbox(ANN)
    return await log.reader.next_frame(ANN, after, state, whole=whole)


def bare_state(sequence: int = 0) -> InboxState:
    """Return the state of an inbox of which nothing is retained."""
    return InboxState(LIMIT_NOTIFICATIONS, 1e9, sequence=sequence)


def counts_of(unread: int, total: int) -> Counts:
    return Counts(unread=unread, unseen=unread, total=total)


# Cursors


async def test_a_cursor_of_another_log_cannot_be_replayed() -> None:
    with pytest.raises(Unreplayable) as error:
        await FakeLog().reader.check_cursor(Cursor("ffffffff", 0), ANN)

    assert error.value.reason == "epoch"


@pytest.mark.parametrize("cursor", [cursor_at(8), Cursor(EPOCH, 1, 2, 8), Cursor(EPOCH, 1, 8, 2)])
async def test_a_cursor_beyond_the_stream_cannot_be_replayed(cursor: Cursor) -> None:
    log = FakeLog()
    log.append(notify(ANN, 7))

    with pytest.raises(Unreplayable) as error:
        await log.reader.check_cursor(cursor, ANN)

    assert error.value.reason == "ahead"


async def test_a_cursor_that_this_edge_has_not_reached_yet_is_accepted() -> None:
    log = FakeLog()
    log.append(notify(ANN, 3))
    log.stream.messages.append(notify(ANN, 7))

    assert await log.reader.check_cursor(cursor_at(7), ANN) == cursor_at(7)


# The state of an inbox


async def test_the_state_is_that_of_the_rows_and_of_all_entries_after_them() -> None:
    log = FakeLog()
    log.append(*[notify(ANN, at) for at in (1, 2)], mark(ANN, 3, "read", 1), notify(BOB, 4))
    log.queries.page = make_page(2, make_row(1), make_row(2))

    state = await log.reader.read_inbox(ANN)

    assert (state.sequence, state.counts(NOW)) == (3, Counts(unread=1, unseen=1, total=2))


async def test_what_the_ring_does_not_have_any_more_comes_from_the_stream() -> None:
    log = FakeLog(floor=3)
    log.append(notify(ANN, 1), notify(ANN, 2), notify(ANN, 3), notify(ANN, 4))
    log.queries.page = make_page(1, make_row(1))

    state = await log.reader.read_inbox(ANN)

    assert (state.sequence, state.counts(NOW)) == (4, counts_of(4, 4))


async def test_without_postgres_the_state_comes_from_the_stream_page_by_page() -> None:
    log = FakeLog(floor=3)
    log.append(join(ANN, 1), notify(ANN, 2), notify_topic(3), notify_topic(4), leave(ANN, 5))
    log.append(notify_topic(6), notify(ANN, 7))
    log.stream.page_limit = 1

    state = await log.reader.read_inbox(ANN)

    assert (state.sequence, state.counts(NOW), state.newest) == (7, counts_of(4, 4), 7)
    assert not state.is_visible(notification_id(6), NOW)


async def test_an_entry_that_comes_while_the_stream_is_checked_is_in_the_state() -> None:
    log = FakeLog(floor=2)
    log.append(notify(ANN, 1), notify(ANN, 2), notify(ANN, 3))
    answer = log.stream.publish

    async def append_before_the_check(subject: str, body: bytes, reply: str) -> None:
        if log.stream.read_count and len(log.stream.messages) == 3:
            is_check = msgspec.json.decode(body)["batch"] == 1
            log.append(*[notify(ANN, 4)] * is_check)
        await answer(subject, body, reply)

    log.stream.publish = append_before_the_check  # type: ignore[method-assign]

    state = await log.reader.read_inbox(ANN)

    assert log.ring.head == 4
    assert state.counts(NOW).total == 4


async def test_without_postgres_and_the_stream_there_is_no_state() -> None:
    log = FakeLog(floor=3)
    log.stream.is_away = True

    with pytest.raises(Unavailable):
        await log.reader.read_inbox(ANN)


# Entries of the ring


def test_recent_entries_are_the_users_own_and_their_topics_in_order() -> None:
    log = FakeLog()
    log.append(notify(ANN, 1), join(ANN, 2), notify(BOB, 3), notify_topic(4), notify(ANN, 5))
    log.append(notify_topic(6, excluded="ann"), leave(ANN, 7), notify_topic(8))

    entries = log.reader.recent_entries(ANN, bare_state().memberships, 0)

    assert entries is not None
    assert [entry.sequence for entry in entries] == [1, 4, 5]
    users = [cast(Notification, decode_entry(entry.data)).user for entry in entries]
    assert users == ["ann"] * 3


def test_there_are_no_recent_entries_from_before_the_ring() -> None:
    log = FakeLog(floor=3)
    log.append(notify(ANN, 4))

    assert log.reader.recent_entries(ANN, bare_state().memberships, 2) is None
    assert log.reader.recent_entries(ANN, bare_state().memberships, 4) == []


async def test_an_early_frame_has_the_entries_of_the_ring_and_no_counts() -> None:
    log = FakeLog()
    await load_tenants(log, "umbrella")
    log.append(notify(ANN, 1), notify(ANN, 2), notify(BOB, 3))

    frame = log.reader.early_frame(ANN, cursor_at(1))

    assert frame
    assert (sequences_in(frame), frame.cursor, frame.more) == ([2], cursor_at(3), True)
    assert decode_frame(frame).counts is None


async def test_there_is_no_early_frame_where_the_ring_alone_cannot_tell() -> None:
    log = FakeLog(floor=1)
    log.append(notify(ANN, 2))
    assert log.reader.early_frame(ANN, cursor_at(1)) is None, "tenants are not loaded"

    await load_tenants(log, checkpoint=0)
    assert log.reader.early_frame(ANN, cursor_at(1)) is None, "rows end before the ring begins"

    await load_tenants(log, checkpoint=1)
    assert log.reader.early_frame(ANN, cursor_at(1))
    assert log.reader.early_frame(ANN, cursor_at(0)) is None, "the ring begins later"
    assert log.reader.early_frame(ANN, cursor_at(2)) is None, "nothing is new"
    assert log.reader.early_frame(ANN, Cursor(EPOCH, 1, 1, 2)) is None, "inside a replay"

    log.reader.tenants_with_topics.record_membership(join(ANN, 3))
    assert log.reader.early_frame(ANN, cursor_at(1)) is None, "the tenant has topics"


async def test_there_is_no_early_frame_if_the_ring_has_more_than_is_kept() -> None:
    log = FakeLog()
    await load_tenants(log)
    log.append(*[notify(ANN, at + 1) for at in range(LIMIT_NOTIFICATIONS + 1)])

    assert log.reader.early_frame(ANN, cursor_at(1)) is None
    assert log.reader.early_frame(ANN, cursor_at(2))


# Frames of a replay


async def test_a_frame_from_the_ring_ends_at_the_head_with_counts() -> None:
    log = FakeLog()
    log.queries.page = make_page(0)
    log.append(notify(ANN, 1), mark(ANN, 2, "read", 1), notify(ANN, 3), notify(BOB, 9))

    frame = await read_frame(log, cursor_at(1))

    assert (sequences_in(frame), frame.cursor, frame.more) == ([2, 3], cursor_at(9), False)
    assert decode_frame(frame).counts == counts_of(1, 2)


async def test_a_frame_from_before_the_ring_has_the_rows_that_changed() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(
        9, make_row(5), make_row(2, changed=7, deleted=True), make_row(8, deleted=True)
    )

    frame = await read_frame(log, cursor_at(4))

    decoded = decode_frame(frame)
    assert (frame.cursor, decoded.counts) == (cursor_at(9), counts_of(1, 1))
    notification, deletion = decoded.entries
    assert (notification.id, notification.cursor) == (notification_id(5), f"{EPOCH}-5")
    # The client never had number 8, so it is not told that it is deleted.
    assert isinstance(deletion, Mark)
    assert (deletion.state, deletion.ids) == ("deleted", (notification_id(2),))


async def test_a_page_of_rows_ends_between_rows_and_the_next_one_goes_on_there() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(3, changed=5), make_row(4, changed=6), more=True)
    state = await log.reader.read_inbox(ANN)
    first = await read_frame(log, cursor_at(2), state)
    between_rows = Cursor(cursor_at(0).epoch, 6, 4, 9)
    assert first.cursor == between_rows
    assert (first.more, decode_frame(first).counts) == (True, None)

    log.queries.page = make_page(12, make_row(7))
    last = await read_frame(log, between_rows, state)

    assert log.queries.queries[-1].after == between_rows
    assert (sequences_in(last), last.cursor, last.more) == ([7], cursor_at(12), False)


async def test_a_replay_whose_rows_went_back_cannot_go_on() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(8)

    with pytest.raises(Unavailable, match="behind the position where this replay began"):
        await read_frame(log, Cursor(EPOCH, 6, 4, 9), bare_state(9))


async def test_a_replay_between_rows_cannot_go_on_from_the_stream() -> None:
    with pytest.raises(Unavailable, match="Postgres is away"):
        await read_frame(FakeLog(floor=9), Cursor(EPOCH, 6, 4, 9), bare_state(9))


async def test_a_cursor_beyond_the_rows_is_replayed_from_the_stream() -> None:
    log = FakeLog(floor=9)
    log.append(*[notify(ANN, at) for at in (4, 6, 8)], notify(BOB, 9))
    log.queries.page = make_page(5)

    frame = await read_frame(log, cursor_at(5), bare_state())

    assert (sequences_in(frame), frame.cursor, frame.more) == ([], cursor_at(9), False)
    state = await log.reader.read_inbox(ANN)
    frame = await read_frame(log, cursor_at(5), state)
    assert (sequences_in(frame), frame.cursor) == ([6, 8], cursor_at(9))


async def test_without_postgres_a_replay_comes_from_the_stream_in_parts() -> None:
    log = FakeLog(floor=9)
    log.append(*[notify(ANN, at) for at in (3, 5, 7)], notify(BOB, 9))
    state = await log.reader.read_inbox(ANN)
    log.stream.page_limit = 1

    frames = [await read_frame(log, cursor_at(3), state)]
    while frames[-1].more:
        assert frames[-1].cursor
        frames.append(await read_frame(log, frames[-1].cursor, state))

    assert [sequences_in(frame) for frame in frames] == [[5], [7]]
    assert frames[-1].cursor == cursor_at(9)
    assert decode_frame(frames[-1]).counts == counts_of(3, 3)


async def test_a_replica_without_the_newest_entries_causes_no_gap() -> None:
    log = FakeLog(floor=9)
    log.append(*[notify(ANN, at) for at in (3, 5, 7)], notify(BOB, 9))
    state = await log.reader.read_inbox(ANN)
    log.stream.replica_head = 5

    first = await read_frame(log, cursor_at(3), state)
    assert (sequences_in(first), first.cursor, first.more) == ([5], cursor_at(5), True)
    last = await read_frame(log, cursor_at(5), state)

    assert (sequences_in(last), last.cursor, last.more) == ([7], cursor_at(9), False)


@pytest.mark.parametrize("newest", [notify(ANN, 7), notify_topic(7), join(ANN, 7)])
@pytest.mark.parametrize("leader_head", [2, 5])
async def test_a_leader_without_the_newest_entries_causes_no_gap(
    newest: StreamMessage, leader_head: int
) -> None:
    """A leader that was suspended answers for a moment as if nothing had been stored since."""
    log = FakeLog(floor=6)
    log.append(join(ANN, 1), notify(ANN, 5), newest, notify(BOB, 9))
    state = await log.reader.read_inbox(ANN)
    log.stream.replica_head = log.stream.leader_head = leader_head

    with pytest.raises(Unavailable, match="does not know its newest entries yet"):
        await read_frame(log, cursor_at(2), state, whole=False)
    log.stream.replica_head = log.stream.leader_head = HEAD
    frame = await read_frame(log, cursor_at(2), state, whole=False)

    assert (frame.cursor, frame.more) == (cursor_at(9), False)


async def test_an_entry_of_the_ring_that_the_stream_has_no_more_is_not_waited_for() -> None:
    log = FakeLog(floor=6)
    log.append(notify(ANN, 5), notify(ANN, 7), notify(BOB, 9))
    state = await log.reader.read_inbox(ANN)
    del log.stream.messages[1]

    frame = await read_frame(log, cursor_at(4), state)

    assert (sequences_in(frame), frame.cursor) == ([5], cursor_at(9))


@pytest.mark.parametrize("whole", [True, False])
async def test_a_cursor_before_the_swept_rows_can_be_replayed_only_in_part(whole: bool) -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(7), horizon=5)

    if whole:
        with pytest.raises(Unreplayable, match="expired"):
            await read_frame(log, cursor_at(4))
    else:
        assert sequences_in(await read_frame(log, cursor_at(4), whole=False)) == [7]
    assert sequences_in(await read_frame(log, cursor_at(5))) == [7]


async def test_a_cursor_before_a_trimmed_log_cannot_be_replayed() -> None:
    log = FakeLog()
    log.queries.page = make_page(0)
    log.append(*[notify(ANN, at + 1) for at in range(LIMIT_NOTIFICATIONS + 1)])

    with pytest.raises(Unreplayable, match="expired"):
        await read_frame(log, cursor_at(1))
    assert sequences_in(await read_frame(log, cursor_at(2))) == [3, 4, 5, 6]


async def test_without_postgres_a_cursor_before_the_stream_cannot_be_replayed() -> None:
    log = FakeLog(floor=9)
    log.append(notify(BOB, 4), notify(ANN, 6))
    state = await log.reader.read_inbox(ANN)

    with pytest.raises(Unreplayable, match="expired"):
        await read_frame(log, cursor_at(2), state)
    assert sequences_in(await read_frame(log, cursor_at(3), state)) == [6]
    assert sequences_in(await read_frame(log, cursor_at(2), state, whole=False)) == [6]


async def test_without_postgres_a_full_log_that_begins_later_cannot_be_replayed() -> None:
    log = FakeLog(floor=99)
    entries = [mark(ANN, 5 + at, "read") for at in range(LIMIT_NOTIFICATIONS)]
    entries *= MARKS_PER_NOTIFICATION
    log.append(notify(BOB, 1), *entries)

    with pytest.raises(Unreplayable, match="expired"):
        await read_frame(log, cursor_at(3), bare_state())
    assert sequences_in(await read_frame(log, cursor_at(4), bare_state()))
    log.stream.messages.pop()
    assert sequences_in(await read_frame(log, cursor_at(3), bare_state()))


async def test_what_a_full_topic_lost_before_a_user_joined_is_not_missed() -> None:
    log = FakeLog(floor=99)
    entries = [notify_topic(5 + at) for at in range(LIMIT_NOTIFICATIONS)]
    log.append(notify(BOB, 1), *entries * MARKS_PER_NOTIFICATION)
    log.append(join(ANN, 20), notify_topic(21))

    state = await log.reader.read_inbox(ANN)

    assert state.counts(NOW) == counts_of(1, 1)
    assert sequences_in(await read_frame(log, cursor_at(0), state)) == [21]


async def test_what_a_full_topic_lost_after_a_user_joined_cannot_be_counted() -> None:
    log = FakeLog(floor=99)
    entries = [notify_topic(5)] * LIMIT_NOTIFICATIONS * MARKS_PER_NOTIFICATION
    log.append(join(ANN, 2), *entries)

    with pytest.raises(Unavailable, match="keeps too few"):
        await log.reader.read_inbox(ANN)


# Snapshots and lists


def decode_snapshot(frame: EncodedFrame) -> Snapshot:
    snapshot = decode_frame(frame)
    assert isinstance(snapshot, Snapshot)
    return snapshot


async def test_a_snapshot_comes_from_the_rows() -> None:
    log = FakeLog()
    log.append(notify(ANN, 5))
    log.queries.page = make_page(4, make_row(4), make_row(2))

    frame = await log.reader.snapshot_frame(ANN)

    snapshot = decode_snapshot(frame)
    assert frame.cursor == cursor_at(4)
    assert (sequences_of(snapshot.notifications), snapshot.counts) == ([4, 2], counts_of(2, 2))
    assert log.queries.queries[0].limit == 3
    assert log.stream.read_count == 0


async def test_a_snapshot_from_which_a_client_could_not_go_on_comes_from_the_stream() -> None:
    log = FakeLog()
    log.append(*[notify(ANN, at + 1) for at in range(LIMIT_NOTIFICATIONS + 2)])
    log.queries.page = make_page(1, make_row(1))

    frame = await log.reader.snapshot_frame(ANN)

    snapshot = decode_snapshot(frame)
    assert frame.cursor == cursor_at(7)
    assert sequences_of(snapshot.notifications) == [7, 6, 5]
    assert snapshot.counts == counts_of(LIMIT_NOTIFICATIONS, LIMIT_NOTIFICATIONS)


async def test_without_postgres_a_snapshot_has_the_state_that_the_marks_leave() -> None:
    log = FakeLog()
    log.append(join(ANN, 1), notify(ANN, 2), notify_topic(3), notify(ANN, 4), notify(BOB, 5))
    log.append(mark(ANN, 6, "read", 3), mark(ANN, 7, "deleted", 4))

    snapshot = decode_snapshot(await log.reader.snapshot_frame(ANN))

    assert [(entry.id, entry.read is None) for entry in snapshot.notifications] == [
        (notification_id(3), False),
        (notification_id(2), True),
    ]
    assert snapshot.notifications[0].user == "ann"
    assert (snapshot.cursor, snapshot.counts) == (str(cursor_at(7)), counts_of(1, 2))


@pytest.mark.parametrize(("limit", "is_full"), [(2, True), (3, False)])
async def test_a_list_names_the_next_page_if_it_is_full(limit: int, is_full: bool) -> None:
    log = FakeLog()
    log.append(notify(ANN, 4))
    log.queries.page = make_page(6, make_row(4), make_row(2))

    answer = msgspec.json.decode(await log.reader.read_list(ANN, ListFilter(None, limit, {})))

    assert [entry["id"] for entry in answer["notifications"]] == [
        notification_id(4),
        notification_id(2),
    ]
    assert answer["cursor"] == str(cursor_at(6))
    assert answer["counts"] == {"unread": 2, "unseen": 2, "total": 2}
    assert answer["next"] == (str(cursor_at(2)) if is_full else None)


async def test_a_notification_is_found_or_not() -> None:
    log = FakeLog()
    log.queries.page = make_page(6, make_row(4))
    found = await log.reader.read_notification(ANN, notification_id(4))
    log.queries.page = make_page(6)

    assert found
    assert msgspec.json.decode(found)["cursor"] == f"{EPOCH}-4"
    assert await log.reader.read_notification(ANN, notification_id(5)) is None
