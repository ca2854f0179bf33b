"""The events seen: of an event that lies in the log more than once, only the first counts."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from tidings.contracts.events import AnyRecorded
from tidings.projections.projection import Change, Statement

SCHEMA = """
CREATE TABLE {schema}.seen (
    event uuid PRIMARY KEY,
    sequence bigint NOT NULL
);
"""

SEE = Statement(
    "see",
    """
    INSERT INTO {schema}.seen (event, sequence)
    SELECT event, sequence FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint)
    ON CONFLICT (event) DO NOTHING
    """,
    joins=True,
)


def once(event: AnyRecorded, key: str) -> dict[str, Any]:
    """What a row says of its event (`key`: its `seen_key`), for a statement to join it with what was seen."""
    return {"event": key, "sequence": event.sequence}


def see(event: AnyRecorded, key: str) -> Change:
    """Note an event as seen; changes in the scope of its sequence, or behind that, take effect after."""
    return Change(SEE, event.sequence, event.sequence, once(event, key))


def seen_key(event: AnyRecorded) -> str:
    """The digest of the event's deduplication key."""
    return digest(event.key)


def digest(key: str) -> str:
    """A deduplication key in 128 bits, as hex digits."""
    return blake2b(key.encode(), digest_size=16).hexdigest()
