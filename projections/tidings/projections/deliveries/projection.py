"""The deliveries: each with its state, when it is due, and what its attempts came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    Requested,
    decode_delivery_entry,
    late_delivery_id,
)
from tidings.contracts.subjects import NOTIFICATIONS, Person, delivery_owner
from tidings.projections.deliveries.requests import request_change
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
    cancelled boolean NOT NULL DEFAULT false,
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

PLAN_LATE = Statement(
    "plan_late",
    """
    INSERT INTO {schema}.delivery
        (partition, tenant, user_id, id, channel, step, address, summary, state, until, why,
         why_row, why_event, as_of_event, as_of_entry, as_of_at, planned, changed, sequence)
    SELECT r.partition, r.tenant, r.user_id, r.late, r.channel, r.step, r.address, false, 'held',
        r.until, r.why, r.why_row, r.why_event, r.as_of_event, r.as_of_entry, r.as_of_at,
        r.appended, r.appended, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (partition integer, tenant text, user_id text, id uuid, late uuid, channel text,
         step integer, address text, until timestamptz, why text, why_row text, why_event bigint,
         as_of_event bigint, as_of_entry bigint, as_of_at timestamptz, appended timestamptz,
         sequence bigint)
    JOIN {schema}.delivery d ON d.id = r.id AND d.state <> 'held'
    ON CONFLICT (id) DO NOTHING
    """,
    mergeable=True,
)
"""What joins a summary that was decided about just before is a delivery of its own, due at once."""

ADD_ITEM = Statement(
    "add_item",
    """
    INSERT INTO {schema}.item (delivery, notification, sequence)
    SELECT coalesce(l.id, r.delivery), r.notification, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (delivery uuid, late uuid, notification uuid, sequence bigint)
    LEFT JOIN {schema}.delivery l ON l.id = r.late
    ON CONFLICT DO NOTHING
    """,
    mergeable=True,
)

MOVE_ITEM = Statement(
    "move_item",
    """
    DELETE FROM {schema}.item i USING jsonb_to_recordset(%s::jsonb) AS r
        (delivery uuid, notification uuid)
    WHERE i.delivery = r.delivery AND i.notification = r.notification
    """,
    mergeable=True,
)
"""Takes a notification out of a summary that tells of others still."""

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
         as_of_at timestamptz, appended timestamptz, sequence bigint, joined bigint)
    WHERE d.id = r.id AND NOT (
        r.state = 'dropped' AND r.joined IS NOT NULL AND EXISTS (
            SELECT FROM {schema}.item i WHERE i.delivery = r.id AND i.sequence > r.joined
        )
    )
    """,
)
"""A summary is not dropped if something joined it that the decision did not know."""

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
            yield from _moved(partition, person, decided, message)
        case Outcome() as outcome:
            yield Change(RECORD_OUTCOME, person, message.sequence, _outcome_row(outcome, message))
        case Requested() as requested:
            yield request_change(person, requested, message)


def _planned(
    partition: int, person: Person, planned: Planned, step: PlannedStep, message: LogMessage
) -> Iterator[Change]:
    row = {**_step_row(partition, person, step, message), **_as_of_columns(planned)}
    yield from _joined(person, row, (planned.notification,), message.sequence)


def _moved(
    partition: int, person: Person, decided: Decided, message: LogMessage
) -> Iterator[Change]:
    """Let notifications of a delivery join the summaries that a decision names."""
    for moved in decided.moved:
        row = {**_step_row(partition, person, moved.step, message), **_as_of_columns(decided)}
        yield from _joined(person, row, moved.notifications, message.sequence)
        for notification in moved.notifications if decided.joined is not None else ():
            item = {"delivery": decided.delivery, "notification": notification}
            yield Change(MOVE_ITEM, person, (message.sequence, notification), item)


def _joined(
    person: Person, row: dict[str, Any], notifications: Sequence[str], sequence: int
) -> Iterator[Change]:
    """Make the row of a delivery, unless a summary has one, and add notifications to it."""
    # The first plan of a summary makes its row, so a later one must not replace it in a batch.
    yield Change(PLAN, person, (sequence, row["id"]), row)
    late = {each: late_delivery_id(row["id"], each) for each in notifications if row["summary"]}
    for identifier in late.values():
        yield Change(PLAN_LATE, person, (sequence, identifier), {**row, "late": identifier})
    for notification in notifications:
        item = {"delivery": row["id"], "notification": notification, "sequence": sequence}
        item["late"] = late.get(notification)
        yield Change(ADD_ITEM, person, (sequence, row["id"], notification), item)


def _step_row(
    partition: int, person: Person, step: PlannedStep, message: LogMessage
) -> dict[str, Any]:
    return {
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
        "appended": instant(message.time_nanoseconds),
        "sequence": message.sequence,
    }


def _decided_row(decided: Decided, message: LogMessage) -> dict[str, Any]:
    return {
        "id": decided.delivery,
        "state": decided.state,
        "until": decided.until and decided.until.astimezone(UTC),
        **_why_columns(decided.why),
        "attempt": decided.attempt,
        "total": decided.total,
        "joined": decided.joined,
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
