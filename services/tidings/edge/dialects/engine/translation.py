"""Translation: from canonical entries to a dialect's frames."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts, Entry, Mark, Notification
from tidings.edge.dialects.engine.client_state import ClientState
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.projections.inbox.inbox_state import InboxState

decode_entries = msgspec.json.Decoder(Entries).decode

_REPORTED_STATES = ("read", "unread", "archived", "deleted")


def entries_frames(dialect: Dialect, frame: Entries, client: ClientState) -> Iterator[DialectFrame]:
    """Yield a dialect's frames of entries for one client.

    Of notifications that the client has, only the state is reported; others are left out unless
    they are still pending. The counts follow the last entries of a replay and not those before:
    a client that adds up notifications itself would count the later ones twice.
    """
    counts = client.counts_after(frame)
    for entry in frame.entries:
        for rendered in _entry_frames(dialect, entry, client):
            yield dialect.with_counts(rendered, counts) if rendered.notification else rendered
    if client.is_live and frame.counts and (frame.entries or frame.after == frame.cursor):
        yield from dialect.state_frames(counts, client.inbox)


def live_frames(
    dialect: Dialect, content: tuple[list[Entry], Counts], client: ClientState
) -> Iterator[DialectFrame]:
    """Yield a dialect's frames of new entries for clients that have all entries before them."""
    entries, counts = content
    for entry in entries:
        if isinstance(entry, Mark):
            yield from _mark_frames(dialect, entry, client.inbox)
        elif client.is_pending(entry):
            personal = entry if entry.user else msgspec.structs.replace(entry, user=client.user)
            for rendered in dialect.notification_frames(personal):
                yield dialect.with_counts(rendered, counts)
    if entries:
        yield from dialect.state_frames(counts, client.inbox)


def _entry_frames(dialect: Dialect, entry: Entry, client: ClientState) -> Iterator[DialectFrame]:
    if isinstance(entry, Mark):
        yield from _mark_frames(dialect, entry, client.inbox)
    elif client.has(entry):
        yield from dialect.mark_frames(_state_of(entry), entry.id)
    elif client.is_pending(entry):
        client.record_sent(entry)
        yield from dialect.notification_frames(entry)


def _mark_frames(dialect: Dialect, mark: Mark, inbox: InboxState) -> Iterator[DialectFrame]:
    if mark.state in _REPORTED_STATES:
        for identifier in inbox.ids_changed_by(mark):
            yield from dialect.mark_frames(mark.state, identifier)


def _state_of(entry: Notification) -> str:
    """Return the current state of a notification as a mark's state."""
    return "archived" if entry.archived else "read" if entry.read else "unread"
