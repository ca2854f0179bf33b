"""A trial: the audience that an event would have if it were appended now; nothing is changed."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import Rollback
from tidings.contracts.event import AnyRecordedEvent
from tidings.notifier.audience.audience import Audience, AudienceQuery
from tidings.notifier.audience.groups import Groups, group_parameters
from tidings.notifier.audience.member_rows import parse_members
from tidings.projections.audience.projection import AUDIENCE, changes
from tidings.projections.audience.queries import (
    FIRST_SEEN,
    GROUP_CLOSINGS,
    MEMBERS_AND_READERS,
    OPEN_GROUPS,
)
from tidings.projections.dedup import event_digest
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import ReadModel, live_model

# Shorter than Postgres waits before it looks for deadlocks: so a trial fails, never the notifier.
LIMITS = (
    b"SELECT set_config('lock_timeout', '300ms', true), set_config('statement_timeout', '5s', true)"
)


class Trial(NamedTuple):
    """The audience of an event; `first_seen`: its sequence, if the log has it already."""

    audience: Audience
    first_seen: int | None


async def try_event(runtime: Runtime, recorded: AnyRecordedEvent, query: AudienceQuery) -> Trial:
    """Apply an event, ask for its audience, and undo it all; raises Unavailable.

    So the relations that the event itself begins and ends count, as they would if it were appended.
    One that the log has already changes nothing.
    """
    model = await live_model(runtime.postgres, AUDIENCE)
    found = Trial(Audience(frozenset(), {}), None)
    async with runtime.postgres.transaction() as connection:
        await connection.execute(LIMITS)
        key = event_digest(recorded)
        seen = await connection.execute(model.sql(FIRST_SEEN), ([key],))
        for sql, rows in model.prepare_changes(changes(recorded, key)):
            await connection.execute(sql, (rows,))
        audience = await _read_audience(connection, model, recorded, query)
        first = await seen.fetchone()
        found = Trial(audience, first[1] if first else None)
        raise Rollback
    return found


async def _read_audience(
    connection: PostgresConnection,
    model: ReadModel,
    recorded: AnyRecordedEvent,
    query: AudienceQuery,
) -> Audience:
    at = recorded.sequence
    members = await connection.execute(model.sql(MEMBERS_AND_READERS), query.sql_parameters(at, at))
    audience = parse_members((), await members.fetchall())
    if at not in query.groups:
        return audience
    *_, relation = query.groups[at]
    parameters = group_parameters(query.groups.values(), at, at)
    opened = await connection.execute(model.sql(OPEN_GROUPS), parameters)
    closings = await connection.execute(model.sql(GROUP_CLOSINGS), parameters)
    groups = Groups(await opened.fetchall(), await closings.fetchall())
    members_since = audience.members_since(recorded, relation)
    return audience._replace(open_groups={at: groups.apply_event(recorded, members_since)})
