"""The deliveries: however many rows there are, the clock and the lanes read only what they need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tidings.projections import DELIVERIES
from tidings.projections.deliveries.queries import (
    DUE_DELIVERIES,
    INTERRUPTED_DELIVERIES,
    IS_OVERDUE,
    MAILED_DELIVERY,
    NEXT_DUE,
    OLDEST_WAITING,
    ORDERED_DELIVERIES,
    SOFT_BOUNCES,
    SWEEP_DELIVERIES,
)
from tidings.projector.projector import EXPIRED_ROWS
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import roll_back

ROWS = 100_000
STATES = ["sent", "failed", "dropped", "doubtful", "held", "ordered", "claimed", "deferred"]
UNSETTLED = {"held", "ordered", "claimed", "deferred"}
ADD_DELIVERIES = """
INSERT INTO {schema}.delivery (partition, tenant, user_id, id, channel, step, address, summary,
    state, until, as_of_event, as_of_entry, as_of_at, planned, changed, ordered, sequence)
SELECT n %% 16, 'acme', 'user-' || n %% 1000, gen_random_uuid(), 'email', 0, 'profile', false,
    state, CASE WHEN state IN ('held', 'deferred') THEN now() + n * interval '1 minute' - %(age)s
    END, n, n, now(), now(), now() - %(age)s, CASE state WHEN 'ordered' THEN n END, n
FROM generate_series(1, %(rows)s) n CROSS JOIN LATERAL (
    SELECT (%(states)s::text[])[1 + n %% cardinality(%(states)s::text[])]
) AS s (state);
"""
ADD_ITEMS = """
INSERT INTO {schema}.item (delivery, notification, sequence)
SELECT id, gen_random_uuid(), sequence FROM {schema}.delivery;
"""
PARAMETERS: dict[str, Any] = {
    "partition": 3,
    "channel": "email",
    "after": 90_000,
    "limit": 100,
    "at": datetime.now(UTC),
    "before": datetime.now(UTC) - timedelta(seconds=10),
    "partitions": list(range(16)),
    "id": str(uuid4()),
    "tenant": "acme",
    "user": "user-7",
    "address": "profile",
    "codes": ["bounced 4.%"],
    "stated": 0,
    "since": timedelta(days=30),
}


@pytest.fixture
async def connection(
    runtime: Runtime, models: dict[str, ReadModel]
) -> AsyncIterator[PostgresConnection]:
    """Return a connection to empty tables, whose changes are rolled back."""
    async with roll_back(runtime.postgres) as connection:
        # A rolled back test leaves dead rows, by which Postgres would expect larger tables.
        await _run(connection, models, "TRUNCATE {schema}.delivery, {schema}.item")
        yield connection


async def test_no_query_reads_the_whole_table(
    connection: PostgresConnection, models: dict[str, ReadModel]
) -> None:
    settled = ["sent"] * 30
    states = [*STATES, *settled]
    await _run(
        connection, models, ADD_DELIVERIES, rows=ROWS, states=states, age=timedelta(minutes=1)
    )
    await _run(connection, models, ADD_ITEMS)
    await _run(connection, models, "ANALYZE {schema}.delivery, {schema}.item")

    for query in (
        NEXT_DUE,
        DUE_DELIVERIES,
        ORDERED_DELIVERIES,
        INTERRUPTED_DELIVERIES,
        IS_OVERDUE,
        OLDEST_WAITING,
        MAILED_DELIVERY,
        SOFT_BOUNCES,
    ):
        plan = await _run(connection, models, f"EXPLAIN {_in_schema(query)}", **PARAMETERS)
        lines = "\n".join(line for (line,) in plan)
        assert "Seq Scan" not in lines, f"{query}{lines}"


async def test_settled_deliveries_are_swept_and_others_kept(
    connection: PostgresConnection, models: dict[str, ReadModel]
) -> None:
    old, young = timedelta(days=31), timedelta(days=29)
    for age in (old, young):
        await _run(connection, models, ADD_DELIVERIES, rows=len(STATES), states=STATES, age=age)
    await _run(connection, models, ADD_ITEMS)

    sweeps = [statement for projection, statement in EXPIRED_ROWS if projection is DELIVERIES]
    for sweep in sweeps:
        await connection.execute(models["deliveries"].sql(sweep), (timedelta(days=30),))

    assert sweeps == [SWEEP_DELIVERIES]
    query = "SELECT state FROM {schema}.delivery WHERE changed < now() - interval '30 days'"
    assert {state for (state,) in await _run(connection, models, query)} == UNSETTLED
    ((items,),) = await _run(connection, models, "SELECT count(*) FROM {schema}.item")
    assert items == len(UNSETTLED) + len(STATES)


async def test_the_oldest_delivery_that_waits_is_known(
    connection: PostgresConnection, models: dict[str, ReadModel]
) -> None:
    ages = {"sent": 900, "claimed": 800, "held": 90, "ordered": 30}
    query, partitions = _in_schema(OLDEST_WAITING), list(range(16))
    ((none,),) = await _run(connection, models, query, partitions=partitions)
    for state, seconds in ages.items():
        age = timedelta(minutes=1, seconds=seconds)
        await _run(connection, models, ADD_DELIVERIES, rows=1, states=[state], age=age)

    ((oldest,),) = await _run(connection, models, query, partitions=partitions)
    ((elsewhere,),) = await _run(connection, models, query, partitions=[9])

    assert (none, round(oldest), elsewhere) == (0, 90, 0)


def _in_schema(query: str) -> str:
    """Return a query of the live read model for the one of the tests."""
    return query.replace("deliveries.", "{schema}.")


async def _run(
    connection: PostgresConnection,
    models: dict[str, ReadModel],
    query: str,
    **parameters: Any,
) -> list[Any]:
    """Run a query and return its rows, if it has any."""
    cursor = await connection.execute(models["deliveries"].sql(query), parameters or None)
    return await cursor.fetchall() if cursor.description else []
