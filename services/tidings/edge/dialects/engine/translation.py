"""Translation: from canonical entries to a dialect's frames; pure, except for the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts, Entry, Mark, Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.projections.inbox.inbox_state import InboxState

decode_entries = msgspec.json.Decoder(Entries).decode

_REPORTED_STATES = ("read", "unread", "archived", "deleted")


def entries_frames(
    dialect: Dialect, frame: Entries, inbox: InboxState, known_sequence: int
) -> Iterator[DialectFrame]:
    """Yield a dialect's frames of entries for one client.

    The client has every notification up to `known_sequence`: of those only the state is reported.
    """
    for entry in frame.entries:
        yield from _entry_frames(dialect, entry, inbox, known_sequence)
    if frame.counts and (frame.entries or frame.after == frame.cursor):
        yield from dialect.count_frames(frame.counts)


def live_frames(
    dialect: Dialect, content: tuple[list[Entry], Counts], inbox: InboxState, user: str
) -> Iterator[DialectFrame]:
    """Yield a dialect's frames of new entries for clients that have all entries before them."""
    entries, counts = content
    for entry in entries:
        if isinstance(entry, Notification):
            yield from dialect.notification_frames(
                entry if entry.user else msgspec.structs.replace(entry, user=user)
            )
        else:
            yield from _mark_frames(dialect, entry, inbox)
    if entries:
        yield from dialect.count_frames(counts)


def pending_entries(frame: Entries, inbox: InboxState) -> Entries:
    """Return entries without notifications that are read, archived or snoozed by now."""
    now = time.time()
    pending = {state.id for state in inbox.listed_states(now) if state.read is None}
    kept = tuple(entry for entry in frame.entries if isinstance(entry, Mark) or entry.id in pending)
    return msgspec.structs.replace(frame, entries=kept)


def _entry_frames(
    dialect: Dialect, entry: Entry, inbox: InboxState, known_sequence: int
) -> Iterator[DialectFrame]:
    match entry:
        case Notification():
            yield from (
                dialect.notification_frames(entry)
                if _sequence_of(entry) > known_sequence
                else dialect.mark_frames(_state_of(entry), entry.id)
            )
        case Mark():
            yield from _mark_frames(dialect, entry, inbox)


def _mark_frames(dialect: Dialect, mark: Mark, inbox: InboxState) -> Iterator[DialectFrame]:
    if mark.state in _REPORTED_STATES:
        for identifier in inbox.ids_changed_by(mark):
            yield from dialect.mark_frames(mark.state, identifier)


def _sequence_of(entry: Notification) -> int:
    return int((entry.cursor or "-0").rpartition("-")[2])


def _state_of(entry: Notification) -> str:
    """Return the current state of a notification as a mark's state."""
    return "archived" if entry.archived else "read" if entry.read else "unread"
