"""The audience: however many relations there are, a batch reads only those that it asks for."""

from __future__ import annotations

import json

import pytest
from tidings.projections.audience.queries import (
    GROUP_CLOSINGS,
    MEMBERS_AND_READERS,
    OPEN_GROUPS,
)
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import roll_back

ROWS, USERS = 20_000, 200
FILL = """
INSERT INTO {schema}.relation (tenant, object, relation, user_id, since)
SELECT 'acme', 'task:' || n, 'assignee', 'u' || n %% %(users)s, n
FROM generate_series(1, %(rows)s) n;
"""
FILL_CLOSINGS = """
INSERT INTO {schema}.closing (tenant, group_name, user_id, sequence, at)
SELECT 'acme', 'room:' || n %% 500, 'u' || n %% %(users)s, n, now()
FROM generate_series(1, %(rows)s) n;
"""
ASKED = {
    "tenant": "acme",
    "object": "task:7",
    "relation": "assignee",
    "translated": True,
    "group_name": "room:7",
}


@pytest.mark.parametrize(
    ("query", "table"),
    [(MEMBERS_AND_READERS, "relation"), (OPEN_GROUPS, "relation"), (GROUP_CLOSINGS, "closing")],
    ids=("members", "open groups", "closings"),
)
async def test_no_query_of_a_batch_reads_the_whole_table(
    runtime: Runtime, models: dict[str, ReadModel], query: str, table: str
) -> None:
    model = models["audience"]
    async with roll_back(runtime.postgres) as connection:
        # A rolled back test leaves dead rows, by which Postgres would expect larger tables.
        await connection.execute(model.sql("TRUNCATE {schema}.relation, {schema}.closing"))
        for fill in (FILL, FILL_CLOSINGS):
            await connection.execute(model.sql(fill), {"rows": ROWS, "users": USERS})
        await connection.execute(model.sql("ANALYZE {schema}.relation, {schema}.closing"))
        plan = await _plan(connection, model, query)
    assert f"Scan using {table}" in plan
    assert f"Seq Scan on {table}" not in plan


async def _plan(connection: PostgresConnection, model: ReadModel, query: str) -> str:
    parameters = {
        "relations": json.dumps([ASKED]),
        "linked": "[]",
        "users": "[]",
        "asked": json.dumps([ASKED]),
        "first": ROWS,
        "until": ROWS + 500,
    }
    rows = await connection.execute(model.sql(f"EXPLAIN {query}"), parameters)
    return "\n".join(line for (line,) in await rows.fetchall())


async def test_the_closings_of_a_batch_are_found_by_sequence_among_all_of_a_group(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    model = models["audience"]
    async with roll_back(runtime.postgres) as connection:
        await connection.execute(model.sql("TRUNCATE {schema}.closing"))
        fill = FILL_CLOSINGS.replace("n %% 500", "7")
        await connection.execute(model.sql(fill), {"rows": ROWS, "users": USERS})
        await connection.execute(model.sql("ANALYZE {schema}.closing"))
        plan = await _plan(connection, model, GROUP_CLOSINGS)
    assert "closing_tenant_group_name_sequence_idx" in plan


async def test_no_query_starts_processes_of_its_own(runtime: Runtime) -> None:
    async with runtime.postgres.connection() as connection:
        row = await (await connection.execute("SHOW max_parallel_workers_per_gather")).fetchone()
    assert row == ("0",)
