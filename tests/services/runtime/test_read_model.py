"""Read models: rows and checkpoint move together, by one process, and are swapped atomically."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from tidings.projections.projection import Change, LogMessage, Projection, Statement
from tidings.runtime.errors import Fenced, LogLost, RowsRefused, Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import (
    Checkpoint,
    Execution,
    ModelVersionMismatch,
    ReadModel,
    create_model,
    live_model,
    make_live,
)

EPOCH = "0123abcd"
READERS = 4
ROUNDS = 12
SCHEMA = """
CREATE TABLE {schema}.word (
    sequence bigint PRIMARY KEY, text text NOT NULL CHECK (text <> 'forbidden')
);
CREATE TABLE {schema}.latest (single boolean PRIMARY KEY, text text NOT NULL);
"""
INSERT_WORD = Statement(
    "say",
    "INSERT INTO {schema}.word"
    " SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r (sequence bigint, text text)",
    mergeable=True,
)
SET_LATEST = Statement(
    "settle",
    """
    INSERT INTO {schema}.latest
    SELECT true, r.text FROM jsonb_to_recordset(%s::jsonb) AS r (text text)
    ON CONFLICT (single) DO UPDATE SET text = excluded.text
    """,
    mergeable=True,
)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Insert each word, and set the latest one."""
    text = message.data.decode()
    yield Change(
        INSERT_WORD, "word", message.sequence, {"sequence": message.sequence, "text": text}
    )
    yield Change(SET_LATEST, "latest", "latest", {"text": text})


@pytest.fixture
async def projection(postgres: Postgres) -> AsyncIterator[Projection]:
    """Return a projection for one test; its read models are dropped afterwards."""
    name = f"words_{uuid4().hex[:8]}"
    yield Projection(
        name=name, version=1, stream="T_words", subjects=("words.>",), schema=SCHEMA, evolve=evolve
    )
    async with postgres.connection() as connection:
        gone = await connection.execute(
            "DELETE FROM tidings.read_model WHERE name = %s RETURNING schema", (name,)
        )
        for (schema,) in [*await gone.fetchall(), (name,)]:
            await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())


@pytest.fixture
def postgres(runtime: Runtime) -> Postgres:
    return runtime.postgres


async def apply_words(
    postgres: Postgres, model: ReadModel, after: int, *words: str, partition: int = 0
) -> int:
    """Apply words after a sequence as one batch, and return the last sequence."""
    messages = [
        LogMessage("words.x", word.encode(), after + place, 0)
        for place, word in enumerate(words, 1)
    ]
    executions = model.prepare_changes(
        change for message in messages for change in model.projection.changes_of(message)
    )
    async with postgres.transaction() as connection:
        await model.apply_changes(connection, executions, after, after + len(words), partition)
    return after + len(words)


async def query_column(postgres: Postgres, query: str) -> list[Any]:
    """Return the first column of the rows of a query."""
    async with postgres.connection() as connection:
        return [row[0] for row in await (await connection.execute(query.encode())).fetchall()]


async def read_words(postgres: Postgres, schema: str) -> list[str]:
    return await query_column(postgres, f"SELECT text FROM {schema}.word ORDER BY sequence")


async def open_read_model(postgres: Postgres, projection: Projection) -> ReadModel:
    """Return the live read model, at its beginning."""
    model = await live_model(postgres, projection)
    await model.checkpoint(postgres, EPOCH)
    return model


async def test_rows_and_checkpoint_move_together(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)

    await apply_words(postgres, model, 0, "one", "two", "three")

    assert await read_words(postgres, model.schema) == ["one", "two", "three"]
    assert await query_column(postgres, f"SELECT text FROM {model.schema}.latest") == ["three"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(3, EPOCH)


async def test_when_a_row_cannot_be_written_neither_rows_nor_checkpoint_move(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    await apply_words(postgres, model, 0, "one")

    with pytest.raises(RowsRefused, match="CheckViolation"):
        await apply_words(postgres, model, 1, "two", "forbidden")

    assert await read_words(postgres, model.schema) == ["one"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(1, EPOCH)


async def test_a_second_leader_is_fenced_and_its_rows_are_rolled_back(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    other_model = await live_model(postgres, projection)
    await apply_words(postgres, model, 0, "one", "two")

    with pytest.raises(Fenced):
        await apply_words(
            postgres, ReadModel(projection, other_model.schema), 1, "another two", "another three"
        )

    assert await read_words(postgres, model.schema) == ["one", "two"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(2, EPOCH)


async def test_of_many_leaders_at_once_exactly_one_leads(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)

    outcomes = await asyncio.gather(
        *(apply_words(postgres, model, 0, f"by {number}") for number in range(6)),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes if outcome != 1] == [Fenced] * 5
    assert await read_words(postgres, model.schema) == [f"by {outcomes.index(1)}"]


async def test_rows_of_another_incarnation_of_the_stream_are_not_continued(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    await apply_words(postgres, model, 0, "one")

    with pytest.raises(LogLost) as error:
        await model.checkpoint(postgres, "another0")

    assert (
        f"{projection.name} was built from epoch {EPOCH} of T_words; now it is epoch another0"
        in str(error.value)
    )
    assert f"tidings rebuild {projection.name}" in str(error.value)
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(1, EPOCH)


async def test_each_partition_has_its_own_checkpoint(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    await model.checkpoint(postgres, EPOCH, partition=7)

    await apply_words(postgres, model, 0, "one", partition=7)

    assert await model.checkpoint(postgres, EPOCH, partition=7) == Checkpoint(1, EPOCH)
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(0, EPOCH)


async def test_a_version_never_writes_into_the_tables_of_another(
    postgres: Postgres, projection: Projection
) -> None:
    model = await live_model(postgres, projection)

    with pytest.raises(
        ModelVersionMismatch,
        match=f"{model.schema} is live, but this is version 2; "
        f"run: tidings rebuild {projection.name}",
    ):
        await live_model(postgres, replace(projection, version=2))

    assert (await live_model(postgres, projection)).schema == model.schema


async def test_concurrent_callers_get_the_same_live_read_model(
    postgres: Postgres, projection: Projection
) -> None:
    models = await asyncio.gather(*(live_model(postgres, projection) for _ in range(6)))

    assert {model.schema for model in models} == {f"{projection.name}_v1"}
    assert await read_words(postgres, projection.name) == []


async def test_versions_exist_side_by_side_until_the_swap(
    postgres: Postgres, projection: Projection
) -> None:
    old = await open_read_model(postgres, projection)
    await apply_words(postgres, old, 0, "old")
    newer = replace(projection, version=2)

    abandoned_model = await create_model(postgres, newer)
    new = await create_model(postgres, newer)
    await new.checkpoint(postgres, EPOCH)
    await apply_words(postgres, new, 0, "new")
    before = await read_words(postgres, projection.name)
    await make_live(postgres, new)

    assert (old.schema, abandoned_model.schema, new.schema) == tuple(
        f"{projection.name}_v{number}" for number in (1, 2, 2)
    )
    assert before == ["old"]
    assert await read_words(postgres, projection.name) == ["new"]
    assert (await live_model(postgres, newer)).schema == new.schema
    with pytest.raises(Unavailable, match="UndefinedTable"):
        await apply_words(postgres, old, 1, "too late")


async def test_readers_see_exactly_one_model_during_swaps(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    await apply_words(postgres, model, 0, "round 0", "round 0")
    texts: set[str] = set()
    done = asyncio.Event()

    async def read_repeatedly() -> None:
        while not done.is_set():
            async with postgres.snapshot() as connection:
                checkpoint = await (
                    await connection.execute(
                        f"SELECT sequence FROM {projection.name}.checkpoint".encode()
                    )
                ).fetchone()
                rows = await (
                    await connection.execute(
                        f"SELECT sequence, text FROM {projection.name}.word".encode()
                    )
                ).fetchall()
            assert checkpoint and checkpoint[0] == len(rows)
            assert len({text for _, text in rows}) == 1
            texts.add(rows[0][1])

    async def swap_repeatedly() -> None:
        for number in range(1, ROUNDS):
            new = await create_model(postgres, projection)
            await new.checkpoint(postgres, EPOCH)
            await apply_words(postgres, new, 0, *[f"round {number}"] * (number + 2))
            await make_live(postgres, new)
        done.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(read_repeatedly())
        group.create_task(swap_repeatedly())

    assert len(texts) > 2


async def test_a_swap_and_a_busy_leader_do_not_deadlock(
    postgres: Postgres, projection: Projection
) -> None:
    model = await open_read_model(postgres, projection)
    first, second = model.prepare_changes(evolve(LogMessage("words.x", b"one", 1, 0)))
    wait_for_holder = Execution(b"SELECT pg_advisory_xact_lock(hashtext(%s))", projection.name)

    async with asyncio.TaskGroup() as group, postgres.connection() as holder, holder.transaction():
        await holder.execute(wait_for_holder.sql, (wait_for_holder.rows,))
        group.create_task(_apply(postgres, model, [first, wait_for_holder, second]))
        await _wait_for_lock_waiters(postgres, 1)
        new = await create_model(postgres, projection)
        group.create_task(make_live(postgres, new))
        await _wait_for_lock_waiters(postgres, 2)

    assert (await live_model(postgres, projection)).schema == new.schema


async def _apply(postgres: Postgres, model: ReadModel, executions: list[Execution]) -> None:
    async with postgres.transaction() as connection:
        await model.apply_changes(connection, executions, 0, 1)


async def _wait_for_lock_waiters(postgres: Postgres, count: int) -> None:
    """Wait until that many queries wait for a lock."""
    async with asyncio.timeout(10):
        while (
            len(
                await query_column(
                    postgres, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                )
            )
            < count
        ):
            continue
