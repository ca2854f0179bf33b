"""Frames: splicing stored bodies gives the same bytes as encoding the Struct."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import (
    Entries,
    Error,
    Frame,
    Heartbeat,
    Hello,
    Live,
    Move,
    Reset,
    ServerFrame,
    Snapshot,
    TokenExpiring,
)
from tidings.contracts.notifications import Counts, CountsDelta, Mark, Notification
from tidings.contracts.subjects import Person
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import NotificationRow
from tidings.projections.inbox.inbox_state import Facets, NotificationState
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

EPOCH = "0123abcd"
sequences = st.integers(1, 2**40)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
texts = st.text(max_size=20)
notifications = st.builds(
    Notification,
    id=st.uuids().map(str),
    event=st.none() | sequences,
    type=st.just("task.assigned"),
    category=st.just("task"),
    title=texts,
    message=texts,
    data=st.dictionaries(texts, texts, max_size=2).map(lambda data: msgspec.Raw(encode(data))),
    actor=st.none() | texts,
    tenant=texts,
    user=texts,
    created=moments,
    count=st.none() | st.integers(2, 9),
)
marks = st.builds(
    Mark,
    state=st.sampled_from(["read", "seen", "deleted"]),
    at=moments,
    ids=st.lists(st.uuids().map(str), max_size=3).map(tuple),
)
counts = st.builds(Counts, **dict.fromkeys(("unread", "unseen", "total"), st.integers(0, 9999)))
states = st.fixed_dictionaries(
    {name: st.none() | moments for name in ("seen", "read", "archived", "snoozed")}
)


def with_cursor(entry: Any, sequence: int, **state: Any) -> Any:
    """Return an entry with its cursor and state, as a client gets it."""
    return msgspec.structs.replace(entry, cursor=f"{EPOCH}-{sequence}", **state)


def make_row(
    sequence: int, notification: Notification, state: dict[str, datetime | None]
) -> NotificationRow:
    """Return a notification as its row has it."""
    return NotificationRow(
        id=notification.id,
        sequence=sequence,
        changed=sequence,
        deleted=False,
        acted=None,
        visible=True,
        body=encode(notification).decode(),
        **state,
    )


def make_state(
    sequence: int, notification: Notification, state: dict[str, Any]
) -> NotificationState:
    """Return the same as an edge keeps it in memory."""
    facets = Facets("task", "task.assigned", "normal", None, None)
    return NotificationState(notification.id, sequence, None, facets, **state)


def check_equal(frame: EncodedFrame, expected: Frame) -> None:
    """Check that a frame has the type and the JSON value of its Struct, and decodes to it."""
    assert frame.type == expected.__struct_config__.tag
    assert msgspec.json.decode(frame.body) == msgspec.json.decode(encode(expected))
    assert encode(msgspec.json.decode(frame.body, type=ServerFrame)) == encode(expected)


@given(st.lists(st.tuples(sequences, notifications | marks), max_size=4), st.none() | counts)
def test_spliced_entries_equal_the_encoded_frame(
    log: list[tuple[int, Notification | Mark]], totals: Counts | None
) -> None:
    after, cursor = Cursor(EPOCH, 1), Cursor(EPOCH, 2**41)
    bodies = [frames.encode_entry(EPOCH, sequence, encode(entry)) for sequence, entry in log]

    check_equal(
        frames.entries(after, cursor, bodies, totals),
        Entries(
            after=str(after),
            cursor=str(cursor),
            entries=tuple(with_cursor(entry, sequence) for sequence, entry in log),
            counts=totals,
            more=totals is None,
        ),
    )


@given(st.lists(st.tuples(sequences, notifications, states), max_size=4), counts)
def test_a_spliced_snapshot_equals_the_encoded_frame(
    contents: list[tuple[int, Notification, dict[str, datetime | None]]], totals: Counts
) -> None:
    cursor = Cursor(EPOCH, 2**41)
    rows = [
        frames.encode_row(EPOCH, make_row(sequence, notification, state))
        for sequence, notification, state in contents
    ]

    check_equal(
        frames.snapshot(cursor, rows, totals),
        Snapshot(
            cursor=str(cursor),
            counts=totals,
            notifications=tuple(
                with_cursor(notification, sequence, **state)
                for sequence, notification, state in contents
            ),
        ),
    )


@given(sequences, notifications, states)
def test_a_notification_from_memory_equals_the_one_from_its_row(
    sequence: int, notification: Notification, state: dict[str, datetime | None]
) -> None:
    body = encode(notification)
    row = make_row(sequence, notification, state)
    memory_state = make_state(sequence, notification, state)
    assert frames.encode_state(EPOCH, memory_state, body) == frames.encode_row(EPOCH, row)


@pytest.mark.parametrize(("type_", "shape"), [("live", Live), ("heartbeat", Heartbeat)])
def test_a_frame_with_a_cursor_equals_the_encoded_one(type_: Any, shape: Any) -> None:
    cursor = Cursor(EPOCH, 7)
    check_equal(frames.cursor_frame(type_, cursor), shape(cursor=str(cursor)))


def test_all_other_frames_are_encoded_from_their_structs() -> None:
    cursor = Cursor(EPOCH, 7)
    hello = frames.hello(cursor, Person("acme", "ann"), "c1", 25.0, 3599.9996)
    decoded = msgspec.json.decode(hello.body, type=Hello)
    assert (decoded.user, decoded.cursor, decoded.lifetime_seconds) == ("ann", str(cursor), 3600.0)

    check_equal(frames.reset("epoch", cursor), Reset(reason="epoch", cursor=str(cursor)))
    check_equal(frames.move(1500), Move(after_milliseconds=1500))
    check_equal(frames.token_expiring(-1), TokenExpiring(expires_in_seconds=0.0))
    check_equal(
        frames.error("4105", "too fast", retry=True, retry_after_seconds=7),
        Error(code="4105", message="too fast", retry=True, retry_after_seconds=7),
    )


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_prepared_bytes_are_those_that_a_server_writes(size: int) -> None:
    frame = EncodedFrame("error", b"x" * size, Cursor(EPOCH, 7))
    text = WebSocketFrame(Opcode.TEXT, frame.body).serialize(mask=False)
    event = frame.event_stream_chunk["body"]

    assert frame.websocket_frame == text
    assert frame.http_chunk == b"%x\r\n%b\r\n" % (len(event), event)


@given(st.lists(st.tuples(sequences, notifications), min_size=1, max_size=4))
def test_spliced_new_entries_equal_the_encoded_frame(log: list[tuple[int, Notification]]) -> None:
    after, cursor = Cursor(EPOCH, 1), Cursor(EPOCH, 2**41)
    bodies = [frames.encode_entry(EPOCH, sequence, encode(entry)) for sequence, entry in log]

    check_equal(
        frames.new_entries(after, cursor, bodies),
        Entries(
            after=str(after),
            cursor=str(cursor),
            entries=tuple(with_cursor(entry, sequence) for sequence, entry in log),
            counts_delta=CountsDelta(unread=len(log), unseen=len(log), total=len(log)),
        ),
    )


def test_a_heartbeat_with_counts_equals_the_encoded_one() -> None:
    cursor, totals = Cursor(EPOCH, 7), Counts(unread=1, unseen=2, total=3)
    check_equal(
        frames.heartbeat_with_counts(cursor, totals), Heartbeat(cursor=str(cursor), counts=totals)
    )
