"""Deduplicate events: of an event that the log has more than once, only the first counts.

The statements of other tables join `seen` by event and sequence, so that a duplicate, which has
another sequence, changes nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.projections.projection import Change, LogMessage, Statement

SCHEMA = """
CREATE TABLE {schema}.seen (
    event uuid PRIMARY KEY,
    sequence bigint NOT NULL
);
"""

RECORD_SEEN = Statement(
    "see",
    """
    INSERT INTO {schema}.seen (event, sequence)
    SELECT event, sequence FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint)
    ON CONFLICT (event) DO NOTHING
    """,
    mergeable=True,
)


class KeyedEvent(NamedTuple):
    """An event of the log with its `event_digest`."""

    recorded: AnyRecordedEvent
    key: str


def decode_event(message: LogMessage) -> KeyedEvent | None:
    """Return the event of a message, None if it is invalid."""
    try:
        event = decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent:
        return None
    return KeyedEvent(event, event_digest(event))


def event_reference(event: AnyRecordedEvent, key: str) -> dict[str, Any]:
    """Return the columns by which a row is joined with `seen`; `key` is the `event_digest`."""
    return {"event": key, "sequence": event.sequence}


def record_seen(event: AnyRecordedEvent, key: str) -> Change:
    """Record an event as seen.

    Its scope is the event's sequence: changes in this scope, or with it as `after_scope`, take
    effect later.
    """
    return Change(RECORD_SEEN, event.sequence, event.sequence, event_reference(event, key))


def event_digest(event: AnyRecordedEvent) -> str:
    """Return the digest of an event's deduplication key."""
    return digest(event.key)


def digest(key: str) -> str:
    """Return a deduplication key in 128 bits, as hex digits."""
    return blake2b(key.encode(), digest_size=16).hexdigest()
