"""Frames of log entries: as many as fit in one, without those that can no longer be seen."""

from __future__ import annotations

import time

from tidings.contracts.codec import decode_entry
from tidings.contracts.cursor import EPOCH_CHARACTERS, Cursor
from tidings.contracts.notifications import Entry, Notification
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import PAGE_BYTES, PAGE_ROWS
from tidings.projections.inbox.inbox_state import InboxState
from tidings.runtime.log.follow import StreamMessage


def entries_frame(
    epoch: str,
    after: Cursor,
    messages: list[StreamMessage],
    inbox: InboxState,
    head: int,
    *,
    more: bool = False,
) -> EncodedFrame:
    """Return a frame of the entries up to `head`, or of the first ones that fit in a frame.

    `epoch` is that of the reader's log.
    """
    fitting = _first_that_fit(messages)
    is_cut = len(fitting) < len(messages)
    now = time.time()
    visible = _visible_messages(fitting, inbox, after.sequence, now)
    of_stream = epoch[:EPOCH_CHARACTERS]
    bodies = [frames.encode_entry(of_stream, each.sequence, each.data) for each in visible]
    reached = fitting[-1].sequence if is_cut else max(head, after.sequence)
    counts = None if more or is_cut else inbox.counts(now)
    frame = frames.entries(after, Cursor(epoch, reached), bodies, counts)
    logged = (frames.logged_nanoseconds(decode_entry(each.data)) for each in visible)
    frame.logged_nanoseconds = next(filter(None, logged), 0)
    return frame


def fits_in_frame(messages: list[StreamMessage]) -> bool:
    """Return whether all of these go into one frame."""
    return len(messages) == 1 or len(_first_that_fit(messages)) == len(messages)


def is_visible(entry: Entry, inbox: InboxState, now: float) -> bool:
    """Return whether an entry can still be seen at a moment (seconds since 1970)."""
    return not isinstance(entry, Notification) or inbox.is_visible(entry.id, now)


def apply_entries(inbox: InboxState, messages: list[StreamMessage]) -> None:
    """Apply the next entries to the state of an inbox."""
    for message in messages:
        inbox.apply(decode_entry(message.data), message.sequence, message.time_nanoseconds)


def _visible_messages(
    messages: list[StreamMessage], inbox: InboxState, after: int, now: float
) -> list[StreamMessage]:
    """Return those that can still be seen; few inboxes have to look at each message for that."""
    if messages and inbox.lists_all_between(
        after, messages[-1].sequence, min(each.time_nanoseconds for each in messages), now
    ):
        return messages
    return [each for each in messages if is_visible(decode_entry(each.data), inbox, now)]


def _first_that_fit(messages: list[StreamMessage]) -> list[StreamMessage]:
    size = 0
    for count, message in enumerate(messages):
        size += len(message.data)
        if count and (count >= PAGE_ROWS or size > PAGE_BYTES):
            return messages[:count]
    return messages
