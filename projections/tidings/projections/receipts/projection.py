"""The receipts: for each device, the time since which it has everything up to a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts import subjects
from tidings.contracts.codec import decode_delivery_receipt, instant
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import NOTIFICATIONS, receipt_owner
from tidings.projections.projection import Change, LogMessage, Projection, Statement

SCHEMA = """
CREATE TABLE {schema}.receipt (
    tenant text NOT NULL,
    user_id text NOT NULL,
    device text NOT NULL,
    cursor bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, user_id, device, cursor)
);
CREATE INDEX ON {schema}.receipt USING brin (at);
"""

INSERT_RECEIPT = Statement(
    "receive",
    """
    INSERT INTO {schema}.receipt (tenant, user_id, device, cursor, at)
    SELECT tenant, user_id, device, cursor, at
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (tenant text, user_id text, device text, cursor bigint, at timestamptz, sequence bigint)
    ORDER BY sequence
    ON CONFLICT (tenant, user_id, device, cursor) DO NOTHING
    """,
    mergeable=True,
)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Insert a receipt with the log's time; a repeated receipt changes nothing."""
    person, receipt = receipt_owner(message.subject), decode_delivery_receipt(message.data)
    row: dict[str, Any] = {
        "tenant": person.tenant,
        "user_id": person.user,
        "device": receipt.device,
        "cursor": Cursor.parse(receipt.cursor).sequence,
        "at": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }
    yield Change(INSERT_RECEIPT, person, message.sequence, row)


RECEIPTS = Projection(
    name="receipts",
    version=1,
    stream=NOTIFICATIONS,
    subjects=(subjects.RECEIPTS,),
    schema=SCHEMA,
    evolve=evolve,
)
