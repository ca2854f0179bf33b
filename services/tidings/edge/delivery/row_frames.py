"""Frames of rows: the notifications that changed after a cursor, as the read model has them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tidings.contracts.cursor import EPOCH_CHARACTERS, Cursor
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import InboxPage
from tidings.projections.inbox.inbox_state import InboxState


def has_changes_after(page: InboxPage, after: Cursor) -> bool:
    """Return whether the rows of a page follow a cursor without a gap."""
    if after.sequence < page.horizon:
        return False
    if after.until:
        return after.highest_sequence <= page.checkpoint
    return after.sequence < page.checkpoint


def changed_rows_frame(
    epoch: str, after: Cursor, page: InboxPage, state: InboxState, *, more: bool
) -> EncodedFrame:
    """Return the notifications that changed after a cursor, as they stand at the checkpoint.

    `epoch` is that of the reader's log, and `state` that of the page; without counts if `more`
    follows. A row that changes again moves behind this page, so a client in the middle must go on
    from the rows: its cursor says so.
    """
    rows, now, of_stream = page.rows, time.time(), epoch[:EPOCH_CHARACTERS]
    entries = [frames.encode_row(of_stream, row) for row in rows if state.is_visible(row.id, now)]
    deleted = [row.id for row in rows if row.deleted and row.sequence <= after.highest_sequence]
    if deleted:
        last_change, at = rows[-1].changed, datetime.now(UTC)
        entries.append(frames.encode_deletions(of_stream, last_change, deleted, at))
    counts = None if more else state.counts(now)
    return frames.entries(after, _cursor_reached(epoch, page), entries, counts)


def encode_rows(epoch: str, page: InboxPage) -> list[bytes]:
    """Return the notifications of a page with their states; `epoch` is that of the stream."""
    return [frames.encode_row(epoch, row) for row in page.rows]


def _cursor_reached(epoch: str, page: InboxPage) -> Cursor:
    if not page.more:
        return Cursor(epoch, page.checkpoint)
    last = page.rows[-1]
    return Cursor(epoch, last.changed, last.sequence, page.checkpoint)
