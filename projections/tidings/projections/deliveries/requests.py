"""Requests of operators: what they change in the row of a delivery."""

from __future__ import annotations

from tidings.contracts.codec import instant
from tidings.contracts.deliveries import REQUESTABLE, Requested
from tidings.contracts.subjects import Person
from tidings.projections.projection import Change, LogMessage, Statement

REQUEST = Statement(
    "request",
    """
    UPDATE {schema}.delivery d SET
        cancelled = r.cancels,
        state = CASE WHEN r.cancels THEN d.state ELSE 'deferred' END,
        until = CASE WHEN d.state IN ('ordered', 'claimed') THEN d.until ELSE r.appended END,
        first_ordered = CASE WHEN r.cancels THEN d.first_ordered END,
        changed = r.appended, sequence = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (id uuid, cancels boolean, states text[], appended timestamptz, sequence bigint)
    WHERE d.id = r.id AND d.state = ANY (r.states) AND NOT (r.cancels AND d.cancelled)
    """,
)
"""Makes a delivery due now, to be decided about anew or dropped; one that is being sent is marked
as cancelled.
"""


def request_change(person: Person, requested: Requested, message: LogMessage) -> Change:
    """Return the change that a request makes, which depends on the state of the delivery."""
    row = {
        "id": requested.delivery,
        "cancels": requested.request == "cancel",
        "states": sorted(REQUESTABLE[requested.request]),
        "appended": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }
    return Change(REQUEST, person, message.sequence, row)
