"""The deliveries: each with its state, when it is due, and what its attempts came to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from tidings.contracts import subjects
from tidings.contracts.codec import instant
from tidings.contracts.deliveries import (
    Decided,
    Outcome,
    Planned,
    PlannedStep,
    Reason,
    decode_delivery_entry,
)
from tidings.contracts.subjects import NOTIFICATIONS, Person, delivery_owner
from tidings.projections.projection import Change, LogMessage, Projection, Statement

SCHEMA = """
CREATE TABLE {schema}.delivery (
    partition integer NOT NULL,
    tenant text NOT NULL,
    user_id text NOT NULL,
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    step integer NOT NULL,
    address text NOT NULL,
    summary boolean NOT NULL,
    state text NOT NULL,
    until timestamptz,
    why text,
    why_row text,
    why_event bigint,
    attempt integer NOT NULL DEFAULT 1,
    total integer NOT NULL DEFAULT 0,
    ordered bigint,
    first_ordered timestamptz,
    code text,
    reply text,
    provider_id text,
    milliseconds integer,
    as_of_event bigint NOT NULL,
    as_of_entry bigint NOT NULL,
    as_of_at timestamptz NOT NULL,
    planned timestamptz NOT NULL,
    changed timestamptz NOT NULL,
    sequence bigint NOT NULL
);
CREATE INDEX ON {schema}.delivery (partition, until)
    WHERE state IN ('held', 'deferred', 'doubtful');
CREATE INDEX ON {schema}.delivery (partition, channel, ordered) WHERE state = 'ordered';
CREATE INDEX ON {schema}.delivery (partition) WHERE state = 'claimed';
CREATE INDEX ON {schema}.delivery (tenant, user_id, sequence);
CREATE INDEX ON {schema}.delivery USING brin (changed);
CREATE TABLE {schema}.item (
    delivery uuid NOT NULL REFERENCES {schema}.delivery ON DELETE CASCADE,
    notification uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (delivery, notification)
);
CREATE INDEX ON {schema}.item (notification);
"""

PLAN = Statement(
    "plan",
    """
    INSERT INTO {schema}.delivery
        (partition, tenant, user_id, id, channel, step, address, summary, state, until, why,
         why_row, why_event, ordered, first_ordered, as_of_event, as_of_entry, as_of_at, planned,
         changed, sequence)
    SELECT partition, tenant, user_id, id, channel, step, address, summary, state, until, why,
        why_row, why_event, CASE state WHEN 'ordered' THEN sequence END,
        CASE state WHEN 'ordered' THEN appended END, as_of_event, as_of_entry, as_of_at, appended,
        appended, sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (partition integer, tenant text, user_id text, id uuid, channel text, step integer,
         address text, summary boolean, state text, until timestamptz, why text, why_row text,
         why_event bigint,
         as_of_event bigint, as_of_entry bigint, as_of_at timestamptz, appended timestamptz,
         sequence bigint)
    ORDER BY sequence
    ON CONFLICT (id) DO NOTHING
    """,
    mergeable=True,
)
"""A summary is planned once for each of its notifications; the first one makes its row."""

ADD_ITEM = Statement(
    "add_item",
    """
    INSERT INTO {schema}.item (delivery, notification, sequence)
    SELECT delivery, notification, sequence FROM jsonb_to_recordset(%s::jsonb) AS r
        (delivery uuid, notification uuid, sequence bigint)
    ON CONFLICT DO NOTHING
    """,
    mergeable=True,
)

DECIDE = Statement(
    "decide",
    """
    UPDATE {schema}.delivery d SET
        state = r.state, until = r.until, why = r.why, why_row = r.why_row,
        why_event = r.why_event, attempt = r.attempt, total = r.total,
        ordered = CASE r.state WHEN 'ordered' THEN r.sequence END,
        first_ordered = CASE r.state WHEN 'ordered' THEN coalesce(d.first_ordered, r.appended)
                        ELSE d.first_ordered END,
        as_of_event = r.as_of_event, as_of_entry = r.as_of_entry, as_of_at = r.as_of_at,
        changed = r.appended, sequence = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (id uuid, state text, until timestamptz, why text, why_row text, why_event bigint,
         attempt integer, total integer, as_of_event bigint, as_of_entry bigint,
         as_of_at timestamptz, appended timestamptz, sequence bigint)
    WHERE d.id = r.id
    """,
)

RECORD_OUTCOME = Statement(
    "record_outcome",
    """
    UPDATE {schema}.delivery d SET
        state = r.state, until = r.until, attempt = r.attempt, code = r.code, reply = r.reply,
        provider_id = r.provider_id, milliseconds = r.milliseconds,
        ordered = NULL, changed = r.appended, sequence = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (id uuid, state text, until timestamptz, attempt integer, code text, reply text,
         provider_id text, milliseconds integer, appended timestamptz, sequence bigint)
    WHERE d.id = r.id
    """,
)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Insert what is planned, and move a delivery to the state that an entry states."""
    partition, person = delivery_owner(message.subject)
    match decode_delivery_entry(message.data):
        case Planned() as planned:
            for step in planned.steps:
                yield from _planned(partition, person, planned, step, message)
        case Decided() as decided:
            yield Change(DECIDE, person, message.sequence, _decided_row(decided, message))
        case Outcome() as outcome:
            yield Change(RECORD_OUTCOME, person, message.sequence, _outcome_row(outcome, message))


def _planned(
    partition: int, person: Person, planned: Planned, step: PlannedStep, message: LogMessage
) -> Iterator[Change]:
    row: dict[str, Any] = {
        "partition": partition,
        "tenant": person.tenant,
        "user_id": person.user,
        "id": step.delivery,
        "channel": step.channel,
        "step": step.step,
        "address": step.to,
        "summary": step.summary,
        "state": step.state,
        "until": step.until and step.until.astimezone(UTC),
        **_why_columns(step.why),
        **_as_of_columns(planned),
        "appended": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }
    item = {
        "delivery": step.delivery,
        "notification": planned.notification,
        "sequence": message.sequence,
    }
    # The first plan of a summary makes its row, so a later one must not replace it in a batch.
    identity = (message.sequence, step.delivery)
    yield Change(PLAN, person, identity, row)
    yield Change(ADD_ITEM, person, identity, item)


def _decided_row(decided: Decided, message: LogMessage) -> dict[str, Any]:
    return {
        "id": decided.delivery,
        "state": decided.state,
        "until": decided.until and decided.until.astimezone(UTC),
        **_why_columns(decided.why),
        "attempt": decided.attempt,
        "total": decided.total,
        **_as_of_columns(decided),
        "appended": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }


def _outcome_row(outcome: Outcome, message: LogMessage) -> dict[str, Any]:
    return {
        "id": outcome.delivery,
        "state": outcome.state,
        "until": outcome.until and outcome.until.astimezone(UTC),
        "attempt": outcome.attempt,
        "code": outcome.code,
        "reply": outcome.reply,
        "provider_id": outcome.provider_id,
        "milliseconds": outcome.milliseconds,
        "appended": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }


def _why_columns(why: Reason | None) -> dict[str, Any]:
    return {"why": why.code, "why_row": why.row, "why_event": why.event} if why else {}


def _as_of_columns(entry: Planned | Decided) -> dict[str, Any]:
    return {
        "as_of_event": entry.as_of.event,
        "as_of_entry": entry.as_of.entry,
        "as_of_at": entry.as_of.at.astimezone(UTC),
    }


DELIVERIES = Projection(
    name="deliveries",
    version=1,
    stream=NOTIFICATIONS,
    subjects=(subjects.DELIVERIES,),
    schema=SCHEMA,
    evolve=evolve,
)
