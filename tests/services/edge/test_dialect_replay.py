"""The rendering of a dialect's replay: notifications left out or sent once, and the counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts, Entry, Mark, Notification
from tidings.edge.dialects.engine.client_state import ClientState
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.engine.translation import entries_frames, live_frames
from tidings.projections.inbox.inbox_state import InboxState

from tests.services.edge.fake_log import EPOCH, cursor_at, make_notification, notification_id

NOW = datetime.now(UTC)
STALE_COUNTS = Counts(unread=9, unseen=9, total=9)


class Plain(Dialect):
    """Names each frame and the sequence or number in it."""

    name = "plain"

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        yield DialectFrame({"new": number_of(notification.id)}, notification=notification)

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        yield DialectFrame({state: number_of(identifier)})

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        yield DialectFrame({"unread": counts.unread})


class Page:
    """A client whose inbox has the entries that the edge has followed."""

    def __init__(self, *entries: Entry, followed: int = 0) -> None:
        inbox = InboxState(100, 1e9)
        for entry in entries:
            sequence = Cursor.parse(entry.cursor or "").sequence
            inbox.apply(entry, sequence, int(NOW.timestamp() * 1e9))
            followed = max(followed, sequence)
        stream = SimpleNamespace(inbox=inbox, cursor=cursor_at(followed))
        identity = SimpleNamespace(person=SimpleNamespace(user="ann"))
        self.connection = SimpleNamespace(
            cursor=cursor_at(0), is_live=False, stream=stream, identity=identity
        )
        self.client = ClientState(cast(Any, self.connection))

    def receive(self, frame: Entries) -> list[dict[str, Any]]:
        """Return the bodies that the page is sent for a frame, and move its cursor."""
        self.client.begin_frame()
        bodies = [each.body for each in entries_frames(Plain(), frame, self.client)]
        self.connection.cursor = Cursor.parse(frame.cursor)
        return bodies

    def arrive(self) -> list[dict[str, Any]]:
        """Return the bodies that the page is sent at the end of its replay."""
        self.connection.is_live = True
        here = str(self.connection.cursor)
        counts = self.connection.stream.inbox.counts(NOW.timestamp())
        return self.receive(Entries(after=here, cursor=here, entries=(), counts=counts))


def number_of(identifier: str) -> int:
    return int(identifier.rpartition("-")[2])


def note(sequence: int, **fields: Any) -> Notification:
    return make_notification(sequence, "ann", cursor=str(cursor_at(sequence)), **fields)


def mark(sequence: int, state: Any, *sequences: int) -> Mark:
    ids = tuple(map(notification_id, sequences))
    return Mark(cursor=str(cursor_at(sequence)), state=state, at=NOW, ids=ids)


def replayed(*entries: Entry, cursor: Cursor, counts: Counts | None = STALE_COUNTS) -> Entries:
    return Entries(after=str(cursor_at(0)), cursor=str(cursor), entries=entries, counts=counts)


def test_a_replay_leaves_out_what_was_handled_since_but_sends_the_marks_and_the_counts_last() -> (
    None
):
    entries = (
        note(1),
        note(2),
        note(3),
        note(4, expires=datetime(2026, 1, 3, tzinfo=UTC)),
        mark(5, "read", 1),
        mark(6, "deleted", 3),
    )
    page = Page(*entries)

    frames = page.receive(replayed(*entries, cursor=cursor_at(6)))

    assert frames == [{"new": 2}, {"read": 1}, {"deleted": 3}]
    assert page.arrive() == [{"unread": 1}]


def test_a_notification_that_was_read_after_its_frame_was_made_is_left_out() -> None:
    page = Page(note(1), note(2), mark(3, "read", 1))

    assert page.receive(replayed(note(1), note(2), cursor=cursor_at(2))) == [{"new": 2}]


def test_a_row_that_the_edge_has_not_followed_yet_is_sent_with_the_counts_of_the_rows() -> None:
    page = Page(note(1))
    counts = Counts(unread=2, unseen=2, total=3)

    frames = page.receive(
        replayed(note(1), note(2), note(3, read=NOW), cursor=cursor_at(3), counts=counts)
    )

    assert frames == [{"new": 1}, {"new": 2}]
    assert page.arrive() == [{"unread": 2}]


def test_a_row_that_changes_during_a_replay_of_rows_is_not_sent_a_second_time() -> None:
    page = Page(note(1), note(2), note(3), mark(4, "seen", 1), mark(5, "read", 2))
    middle = Cursor(EPOCH, 2, 2, 3)

    first = page.receive(replayed(note(1), cursor=middle, counts=None))
    second = page.receive(replayed(note(3), note(1), note(2, read=NOW), cursor=cursor_at(5)))

    assert (first, second) == ([{"new": 1}], [{"new": 3}, {"unread": 1}])


def test_only_the_state_is_reported_of_notifications_the_client_had_before() -> None:
    page = Page(note(1), note(2), mark(3, "read", 1))
    page.connection.cursor = cursor_at(2)

    assert page.receive(replayed(note(1, read=NOW), cursor=cursor_at(3))) == [{"read": 1}]


def test_live_entries_are_followed_by_the_counts_and_leave_out_what_is_read_already() -> None:
    entries: list[Entry] = [note(1), note(2), mark(3, "read", 1)]
    page = Page(*entries)
    counts = Counts(unread=1, unseen=2, total=2)

    frames = [each.body for each in live_frames(Plain(), (entries, counts), page.client)]

    assert frames == [{"new": 2}, {"read": 1}, {"unread": 1}]
