"""Producers that write to the log by other ways than the gateway are bound as it binds them."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tidings.contracts.messages import NewMessage
from tidings.outbox.relay import Relay
from tidings.outbox.table import create_tables
from tidings.runtime.process import Runtime

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_dead_letters, read_stored_events
from tests.waiting import wait_until


@pytest.fixture(scope="module")
async def dsn(runtime: Runtime) -> str:
    """Create a Postgres database with an outbox, and return its DSN."""
    name = f"bound_{uuid4().hex[:8]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(runtime.settings.postgres, dbname=name)
    await create_tables(dsn)
    return dsn


async def relay_events(dsn: str, tidings: Tidings, *events: dict[str, Any]) -> list[str]:
    """Write events to the outbox, relay them for the tenant, and return the refusals."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for event in events:
            await connection.execute(
                "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)", (json.dumps(event),)
            )

        async def is_empty() -> bool:
            rows = await connection.execute("SELECT FROM tidings_outbox.waiting LIMIT 1")
            return await rows.fetchone() is None

        runtime = tidings.runtime
        relay = Relay(runtime.jetstream, dsn, runtime.settings.subjects, tidings.tenant)
        task = asyncio.create_task(relay.run(lambda: None))
        await wait_until(is_empty)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        rows = await connection.execute("DELETE FROM tidings_outbox.refused RETURNING reason")
        return [reason for (reason,) in await rows.fetchall()]


async def test_the_outbox_of_a_tenant_carries_no_event_of_another(
    dsn: str, tidings: Tidings
) -> None:
    own, foreign = make_announcement("alice"), make_announcement("alice", tenant="rival")
    named = make_announcement("alice", tenant=tidings.tenant)

    refusals = await relay_events(dsn, tidings, foreign, own, named)

    assert [reason.partition(":")[0] for reason in refusals] == ["tenant"]
    stored = [json.loads(message.data)["id"] for message in await read_stored_events(tidings)]
    assert stored == [own["id"], named["id"]]


async def test_the_outbox_sets_aside_own_sources_and_ids_of_other_events(
    dsn: str, tidings: Tidings
) -> None:
    await tidings.emit(make_event("task.deleted", task_id="1", task_title="x", identifier="7"))
    conflict = make_announcement("alice", identifier="7")
    own_source = {**make_announcement("alice"), "source": "/tidings"}
    good = make_announcement("alice")

    refusals = await relay_events(dsn, tidings, conflict, own_source, good)

    assert ["another event" in reason for reason in sorted(refusals)] == [False, True]
    stored = [json.loads(message.data)["id"] for message in await read_stored_events(tidings)]
    assert stored == ["7", good["id"]]


@pytest.mark.parametrize("fault", ["tenant", "type"])
async def test_an_event_whose_body_differs_from_its_subject_becomes_a_dead_letter(
    tidings: Tidings, fault: str
) -> None:
    tenant = "rival" if fault == "tenant" else tidings.tenant
    event = make_announcement("alice", tenant=tenant)
    type_ = "announcement.published" if fault == "tenant" else "task.assigned"
    subject = tidings.runtime.settings.subjects.event_subject(tidings.tenant, type_, None)
    sent = NewMessage(subject, json.dumps(event).encode())
    sequence = (await tidings.runtime.appender().append(sent)).sequence

    (letter,) = await wait_until(lambda: read_dead_letters(tidings, sequence))

    assert letter.headers["Tidings-Reason"].startswith(f"{fault}: ")
    async with Tidings(tidings.url, tidings.runtime, tenant) as rival:
        await rival.emit(make_announcement("alice"))
        await rival.wait_for_counts("alice", total=1)
