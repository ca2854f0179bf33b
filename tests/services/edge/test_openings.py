"""The opening of a stream: one query reads the state of an inbox and the client's first frame."""

from __future__ import annotations

import time

import pytest
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts
from tidings.edge.delivery import entry_frames
from tidings.edge.delivery.entry_frames import apply_entries, decode_entry, entries_frame
from tidings.edge.delivery.inbox_queries import LAST_ROW, InboxQuery
from tidings.edge.delivery.log_reader import Unreplayable
from tidings.edge.delivery.user_stream import UserStream

from tests.services.edge.fake_log import (
    ANN,
    EPOCH,
    LIMIT_NOTIFICATIONS,
    FakeLog,
    cursor_at,
    decode_frame,
    make_page,
    make_row,
    mark,
    notify,
    sequences_in,
)


def open_stream(log: FakeLog) -> UserStream:
    return UserStream(log.reader, ANN, lambda _: None)


def counts_of(total: int) -> Counts:
    return Counts(unread=total, unseen=total, total=total)


async def test_the_query_that_opens_a_stream_reads_the_first_frame_too() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(5), make_row(8))
    stream = open_stream(log)

    await stream.wait_until_open(cursor_at(4))
    frame = await stream.next_frame(cursor_at(4))

    assert log.queries.queries == [InboxQuery(ANN, cursor_at(4))]
    assert frame
    assert (sequences_in(frame), frame.cursor) == ([5, 8], cursor_at(9))
    assert decode_frame(frame).counts == counts_of(2)


async def test_what_the_rows_lack_follows_the_first_frame_from_the_ring() -> None:
    log = FakeLog(floor=7)
    log.append(notify(ANN, 8), notify(ANN, 9))
    log.queries.page = make_page(8, make_row(5), make_row(8))
    stream = open_stream(log)
    await stream.wait_until_open(cursor_at(4))

    first = await stream.next_frame(cursor_at(4))
    second = await stream.next_frame(cursor_at(8))

    assert len(log.queries.queries) == 1
    assert first
    assert second
    assert (sequences_in(first), decode_frame(first).counts) == ([5, 8], None)
    assert first.more
    assert (sequences_in(second), decode_frame(second).counts) == ([9], counts_of(3))
    assert second.cursor == stream.cursor == cursor_at(9)


async def test_a_first_page_of_rows_goes_on_between_rows() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(3, changed=5), make_row(4, changed=6), more=True)
    stream = open_stream(log)
    await stream.wait_until_open(cursor_at(2))

    frame = await stream.next_frame(cursor_at(2))

    assert frame
    assert (frame.more, frame.cursor) == (True, Cursor(cursor_at(0).epoch, 6, 4, 9))


async def test_a_reader_at_another_cursor_reads_a_frame_of_its_own() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(5), make_row(8))
    stream = open_stream(log)
    await stream.wait_until_open(cursor_at(4))

    await stream.next_frame(cursor_at(6))

    assert [query.after for query in log.queries.queries] == [cursor_at(4), cursor_at(6)]


async def test_a_heartbeat_drops_a_first_frame_that_nobody_took() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, make_row(5))
    stream = open_stream(log)
    await stream.wait_until_open(cursor_at(4))

    stream.send_heartbeat(9, False)
    await stream.next_frame(cursor_at(4))

    assert len(log.queries.queries) == 2


async def test_where_the_ring_has_what_follows_only_the_state_is_read() -> None:
    log = FakeLog(floor=3)
    log.append(notify(ANN, 4))
    log.queries.page = make_page(3)

    _, frame = await log.reader.read_inbox_after(ANN, cursor_at(3))

    assert frame is None
    assert [query.after for query in log.queries.queries] == [Cursor(EPOCH, LAST_ROW)]


@pytest.mark.parametrize("page", [make_page(9, horizon=5), make_page(4)], ids=["swept", "behind"])
async def test_rows_that_do_not_follow_the_cursor_make_no_first_frame(page: object) -> None:
    log = FakeLog(floor=9)
    log.queries.page = page  # type: ignore[assignment]

    _, frame = await log.reader.read_inbox_after(ANN, cursor_at(4))

    assert frame is None


async def test_a_cursor_between_rows_makes_no_first_frame_of_older_rows() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(8)

    _, frame = await log.reader.read_inbox_after(ANN, Cursor(EPOCH, 6, 4, 9))

    assert frame is None


async def test_a_cursor_from_before_what_is_kept_has_expired() -> None:
    log = FakeLog(floor=9)
    log.queries.page = make_page(9, *[make_row(3 + at) for at in range(LIMIT_NOTIFICATIONS)])
    stream = open_stream(log)
    await stream.wait_until_open(cursor_at(2))

    with pytest.raises(Unreplayable, match="expired"):
        await stream.next_frame(cursor_at(2))


async def test_without_postgres_the_stream_opens_from_the_log() -> None:
    log = FakeLog(floor=3)
    log.append(notify(ANN, 2), notify(ANN, 4))
    stream = open_stream(log)

    await stream.wait_until_open(cursor_at(1))

    assert sequences_in(await stream.next_frame(cursor_at(1))) == [2, 4]


async def test_the_query_of_a_snapshot_opens_the_stream_too() -> None:
    log = FakeLog()
    log.append(notify(ANN, 1), notify(ANN, 2), notify(ANN, 3))
    log.queries.page = make_page(2, make_row(1), make_row(2))
    stream = open_stream(log)

    snapshot = await stream.snapshot_frame()
    await stream.wait_until_open(cursor_at(2))
    frame = await stream.next_frame(cursor_at(2))

    assert len(log.queries.queries) == 1
    assert (snapshot.cursor, decode_frame(snapshot).counts) == (cursor_at(2), counts_of(2))
    assert stream.cursor == cursor_at(3)
    assert frame
    assert (sequences_in(frame), decode_frame(frame).counts) == ([3], counts_of(3))


async def test_a_snapshot_of_an_open_stream_leaves_its_state() -> None:
    log = FakeLog()
    log.queries.page = make_page(0)
    stream = open_stream(log)
    await stream.wait_until_open()
    state = stream.inbox

    await stream.snapshot_frame()

    assert stream.inbox is state


def test_a_query_after_the_last_row_reads_no_rows() -> None:
    newest, changed = InboxQuery(ANN, None, 3), InboxQuery(ANN, cursor_at(4))
    nothing = InboxQuery(ANN, Cursor(EPOCH, LAST_ROW))

    assert (newest.reads_rows(newest=True), newest.reads_rows(newest=False)) == (True, False)
    assert (changed.reads_rows(newest=True), changed.reads_rows(newest=False)) == (False, True)
    assert not nothing.reads_rows(newest=True)
    assert not nothing.reads_rows(newest=False)


@pytest.mark.parametrize("hides_one", [False, True])
async def test_entries_are_looked_at_one_by_one_only_if_some_may_be_hidden(
    hides_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FakeLog()
    log.queries.page = make_page(0)
    messages = log.append(*[notify(ANN, at) for at in (1, 2, 3)])
    messages += log.append(mark(ANN, 4, "deleted", 2)) if hides_one else []
    state = await log.reader.read_inbox(ANN)
    decoded: list[bytes] = []

    def record_decoding(data: bytes) -> object:
        decoded.append(data)
        return decode_entry(data)

    monkeypatch.setattr(entry_frames, "decode_entry", record_decoding)
    frame = entries_frame(cursor_at(0).epoch, cursor_at(0), messages, state, 4)

    assert sequences_in(frame) == ([1, 3, 4] if hides_one else [1, 2, 3])
    assert len(set(decoded)) == (len(messages) if hides_one else 1)


async def test_an_inbox_tells_that_it_lists_all_only_where_that_is_certain() -> None:
    log = FakeLog()
    log.queries.page = make_page(0)
    messages = log.append(*[notify(ANN, at + 1) for at in range(LIMIT_NOTIFICATIONS)])
    state, now = await log.reader.read_inbox(ANN), time.time()
    oldest = messages[0].time_nanoseconds

    assert state.lists_all_between(1, LIMIT_NOTIFICATIONS, oldest, now)
    assert not state.lists_all_between(0, LIMIT_NOTIFICATIONS, oldest, now), "one may be dropped"
    assert not state.lists_all_between(1, LIMIT_NOTIFICATIONS + 1, oldest, now), "not applied yet"
    assert not state.lists_all_between(1, LIMIT_NOTIFICATIONS, 0, now), "swept from the rows"
    assert not state.lists_all_between(1, LIMIT_NOTIFICATIONS, oldest, now + 1e9), "expired"
    apply_entries(state, [mark(ANN, LIMIT_NOTIFICATIONS + 1, "archived", 2)])
    assert not state.lists_all_between(1, LIMIT_NOTIFICATIONS, oldest, now), "one is not listed"
