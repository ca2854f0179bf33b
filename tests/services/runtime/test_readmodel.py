"""Read models: rows and checkpoint are one, one process moves them, and readers see one model or the other, whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tidings.projections.projection import Change, Message, Projection, Statement
from tidings.runtime.errors import Fenced, LogLost, Unavailable
from tidings.runtime.postgres import Postgres
from tidings.runtime.process import Runtime
from tidings.runtime.readmodel import (
    Checkpoint,
    Execution,
    OtherVersion,
    ReadModel,
    build,
    live,
    swap,
)

EPOCH = "0123abcd"
READERS = 4
ROUNDS = 12
SCHEMA = """
CREATE TABLE {schema}.word (sequence bigint PRIMARY KEY, text text NOT NULL CHECK (text <> 'forbidden'));
CREATE TABLE {schema}.latest (single boolean PRIMARY KEY, text text NOT NULL);
"""
SAY = Statement(
    "say",
    "INSERT INTO {schema}.word SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r (sequence bigint, text text)",
    joins=True,
)
SETTLE = Statement(
    "settle",
    """
    INSERT INTO {schema}.latest SELECT true, r.text FROM jsonb_to_recordset(%s::jsonb) AS r (text text)
    ON CONFLICT (single) DO UPDATE SET text = excluded.text
    """,
    joins=True,
)


def evolve(message: Message) -> Iterator[Change]:
    """Each word is kept, the latest one known."""
    text = message.data.decode()
    yield Change(SAY, "word", message.sequence, {"sequence": message.sequence, "text": text})
    yield Change(SETTLE, "latest", "latest", {"text": text})


@pytest.fixture
async def projection(postgres: Postgres) -> AsyncIterator[Projection]:
    """A projection of the test's own; its read models are dropped after it."""
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


async def apply(
    postgres: Postgres, model: ReadModel, after: int, *words: str, partition: int = 0
) -> int:
    """Fold words after a sequence, as one batch; returns where that leads to."""
    messages = [
        Message("words.x", word.encode(), after + place, 0) for place, word in enumerate(words, 1)
    ]
    executions = model.prepare(
        change for message in messages for change in model.projection.evolve(message)
    )
    async with postgres.transaction() as connection:
        await model.apply(connection, executions, after, after + len(words), partition)
    return after + len(words)


async def ask(postgres: Postgres, query: str) -> list[Any]:
    """The first column of a query's answer."""
    async with postgres.connection() as connection:
        return [row[0] for row in await (await connection.execute(query.encode())).fetchall()]


async def words(postgres: Postgres, schema: str) -> list[str]:
    return await ask(postgres, f"SELECT text FROM {schema}.word ORDER BY sequence")


async def begun(postgres: Postgres, projection: Projection) -> ReadModel:
    """The live read model, at its beginning."""
    model = await live(postgres, projection)
    await model.checkpoint(postgres, EPOCH)
    return model


async def test_rows_and_checkpoint_move_together(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)

    await apply(postgres, model, 0, "one", "two", "three")

    assert await words(postgres, model.schema) == ["one", "two", "three"]
    assert await ask(postgres, f"SELECT text FROM {model.schema}.latest") == ["three"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(3, EPOCH)


async def test_when_a_row_cannot_be_written_neither_moves(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    await apply(postgres, model, 0, "one")

    with pytest.raises(psycopg.errors.CheckViolation):
        await apply(postgres, model, 1, "two", "forbidden")

    assert await words(postgres, model.schema) == ["one"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(1, EPOCH)


async def test_a_second_leader_is_fenced_and_its_rows_are_not_kept(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    other = await live(postgres, projection)
    await apply(postgres, model, 0, "one", "two")

    with pytest.raises(Fenced):
        await apply(
            postgres, ReadModel(projection, other.schema), 1, "another two", "another three"
        )

    assert await words(postgres, model.schema) == ["one", "two"]
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(2, EPOCH)


async def test_of_many_leaders_at_once_exactly_one_leads(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)

    outcomes = await asyncio.gather(
        *(apply(postgres, model, 0, f"by {number}") for number in range(6)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes if outcome != 1] == [Fenced] * 5
    assert await words(postgres, model.schema) == [f"by {outcomes.index(1)}"]


async def test_rows_of_another_incarnation_of_the_stream_are_not_gone_on_with(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    await apply(postgres, model, 0, "one")

    with pytest.raises(LogLost) as lost:
        await model.checkpoint(postgres, "another0")

    assert (
        f"{model.schema} was built from epoch {EPOCH} of T_words; now it is epoch another0"
        in str(lost.value)
    )
    assert f"tidings rebuild {projection.name}" in str(lost.value)
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(1, EPOCH)


async def test_each_partition_has_a_checkpoint_of_its_own(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    await model.checkpoint(postgres, EPOCH, partition=7)

    await apply(postgres, model, 0, "one", partition=7)

    assert await model.checkpoint(postgres, EPOCH, partition=7) == Checkpoint(1, EPOCH)
    assert await model.checkpoint(postgres, EPOCH) == Checkpoint(0, EPOCH)


async def test_a_version_never_writes_into_the_tables_of_another(
    postgres: Postgres, projection: Projection
) -> None:
    model = await live(postgres, projection)

    with pytest.raises(
        OtherVersion,
        match=f"{model.schema} is live, but this is version 2; run: tidings rebuild {projection.name}",
    ):
        await live(postgres, replace(projection, version=2))

    assert (await live(postgres, projection)).schema == model.schema


async def test_whoever_asks_first_makes_the_live_read_model_and_all_get_the_same(
    postgres: Postgres, projection: Projection
) -> None:
    models = await asyncio.gather(*(live(postgres, projection) for _ in range(6)))

    assert {model.schema for model in models} == {f"{projection.name}_v1"}
    assert await words(postgres, projection.name) == []


async def test_versions_stand_beside_each_other_until_they_are_swapped(
    postgres: Postgres, projection: Projection
) -> None:
    old = await begun(postgres, projection)
    await apply(postgres, old, 0, "old")
    newer = replace(projection, version=2)

    abandoned = await build(postgres, newer)
    new = await build(postgres, newer)
    await new.checkpoint(postgres, EPOCH)
    await apply(postgres, new, 0, "new")
    before = await words(postgres, projection.name)
    await swap(postgres, new)

    assert (old.schema, abandoned.schema, new.schema) == tuple(
        f"{projection.name}_v{number}" for number in (1, 2, 2)
    )
    assert before == ["old"]
    assert await words(postgres, projection.name) == ["new"]
    assert (await live(postgres, newer)).schema == new.schema
    with pytest.raises(Unavailable, match="UndefinedTable"):
        await apply(postgres, old, 1, "too late")


async def test_readers_see_one_model_or_the_other_and_never_neither(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    await apply(postgres, model, 0, "round 0", "round 0")
    seen: set[str] = set()
    done = asyncio.Event()

    async def look() -> None:
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
            seen.add(rows[0][1])

    async def replace_again_and_again() -> None:
        for number in range(1, ROUNDS):
            new = await build(postgres, projection)
            await new.checkpoint(postgres, EPOCH)
            await apply(postgres, new, 0, *[f"round {number}"] * (number + 2))
            await swap(postgres, new)
        done.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(look())
        group.create_task(replace_again_and_again())

    assert len(seen) > 2


async def test_a_swap_and_a_busy_leader_do_not_stand_in_each_others_way(
    postgres: Postgres, projection: Projection
) -> None:
    model = await begun(postgres, projection)
    first, second = model.prepare(evolve(Message("words.x", b"one", 1, 0)))
    halt = Execution(b"SELECT pg_advisory_xact_lock(hashtext(%s))", projection.name)

    async with asyncio.TaskGroup() as group, postgres.connection() as holder, holder.transaction():
        await holder.execute(halt.sql, (halt.rows,))
        group.create_task(_apply(postgres, model, [first, halt, second]))
        await _waiting(postgres, 1)
        new = await build(postgres, projection)
        group.create_task(swap(postgres, new))
        await _waiting(postgres, 2)

    assert (await live(postgres, projection)).schema == new.schema


async def _apply(postgres: Postgres, model: ReadModel, executions: list[Execution]) -> None:
    async with postgres.transaction() as connection:
        await model.apply(connection, executions, 0, 1)


async def _waiting(postgres: Postgres, count: int) -> None:
    """Until so many wait for a lock."""
    async with asyncio.timeout(10):
        while (
            len(
                await ask(
                    postgres, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                )
            )
            < count
        ):
            continue
