"""Broken states: what `tidings doctor`, `/health/ready` and the logs say about each.

Each says the cause, its place, and a way out.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import pytest
from tidings.client.appender import Appender
from tidings.client.jetstream import connect
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import TICKETS, dead_letter_subject
from tidings.runtime.readmodels.postgres import open_postgres

from tests.acceptance.faults import Installation, Process
from tests.acceptance.problems import says_ready
from tests.waiting import wait_until

Broken = Callable[[Installation], AbstractAsyncContextManager[Process]]
"""Breaks an installation inside the block, and yields the process whose readiness is asked."""


class State(NamedTuple):
    """A broken state, and patterns of what is said about it; None: nothing is wrong there."""

    broken: Broken
    doctor: str
    ready: str | None
    log: str | None = None
    doctor_settings: Callable[[Installation], dict[str, object]] = lambda _: {}
    exit_code: int = 1


@asynccontextmanager
async def stopped(installation: Installation, name: str) -> AsyncIterator[Process]:
    await installation.kill(name)
    try:
        yield edge_of(installation)
    finally:
        await installation.start(name)


@asynccontextmanager
async def paused(installation: Installation, name: str) -> AsyncIterator[Process]:
    part = installation.parts[name]
    assert isinstance(part, Process)
    part.kill(signal.SIGSTOP)
    try:
        yield edge_of(installation)
    finally:
        part.kill(signal.SIGCONT)


@asynccontextmanager
async def edge_with(installation: Installation, **settings: Any) -> AsyncIterator[Process]:
    """Run another edge with wrong settings; it starts, and serves what it can."""
    edge = installation.process("edge", log="wrong", port=0, **settings)
    try:
        yield edge
    finally:
        edge.kill()


@asynccontextmanager
async def changed_rows(
    installation: Installation, change: str, restore: str
) -> AsyncIterator[Process]:
    await installation.kill("projector")
    await execute(installation, change)
    try:
        projector = installation.process("projector", log="refused")
        await projector.spawn()
        assert await projector.wait() == 1
        yield edge_of(installation)
    finally:
        await execute(installation, restore)
        await installation.start("projector")


@asynccontextmanager
async def without_tickets(installation: Installation) -> AsyncIterator[Process]:
    async with connect(installation.nats.url, "tests") as jetstream:
        info = await jetstream.call_api(f"STREAM.INFO.{TICKETS}")
        await jetstream.call_api(f"STREAM.DELETE.{TICKETS}")
        try:
            yield edge_of(installation)
        finally:
            config = {name: info["config"][name] for name in CREATED_WITH}
            await jetstream.call_api(f"STREAM.CREATE.{TICKETS}", config)


@asynccontextmanager
async def with_dead_letter(installation: Installation) -> AsyncIterator[Process]:
    subject = dead_letter_subject("projection-inbox", 0, 7)
    headers = {"Tidings-Reason": "Postgres: NotNullViolation: no value"}
    async with connect(installation.nats.url, "tests") as jetstream:
        await Appender(jetstream).append(NewMessage(subject, b"{}", headers=headers))
        yield edge_of(installation)


CREATED_WITH = (
    "name",
    "subjects",
    "storage",
    "retention",
    "discard",
    "num_replicas",
    "max_age",
    "max_msgs_per_subject",
    "max_consumers",
    "duplicate_window",
    "allow_direct",
    "allow_atomic",
    "metadata",
)
BEYOND = "UPDATE inbox_v5.checkpoint SET sequence = sequence {} 1000000"
VERSION = "UPDATE tidings.read_model SET version = version {} WHERE name = 'inbox'"

POSTGRES = r"^Postgres cannot be used; this process's log and `tidings doctor` say why$"
"""What anyone may read: the part that failed and where its reason is, but not the reason."""

STATES = {
    "the projector is dead": State(
        lambda here: stopped(here, "projector"),
        r"✗ services: no projector answers, so lists and counts stay .*`tidings projector`",
        None,
    ),
    "the notifier is dead": State(
        lambda here: stopped(here, "notifier"),
        r"✗ services: no notifier answers, so events reach nobody; start `tidings notifier`",
        None,
    ),
    "the notifier is stopped by a signal": State(
        lambda here: paused(here, "notifier"),
        r"✗ services: no notifier answers",
        None,
    ),
    "Postgres is away": State(
        lambda here: stopped(here, "postgres"),
        r"✗ Postgres: .*refused.*TIDINGS_POSTGRES_DSN",
        POSTGRES,
        r"edge is not ready: Postgres: .*refused",
    ),
    "the password of Postgres is wrong": State(
        lambda here: edge_with(
            here, postgres_dsn=here.postgres.dsn.replace("tidings:", "tidings:x", 1)
        ),
        r"✗ Postgres: .*password authentication failed.*TIDINGS_POSTGRES_DSN",
        POSTGRES,
        r"not ready: Postgres: .*password authentication failed",
        lambda here: {"postgres_dsn": here.postgres.dsn.replace("tidings:", "tidings:x", 1)},
    ),
    "the database does not exist": State(
        lambda here: edge_with(here, postgres_dsn=here.postgres.dsn + "2"),
        r'✗ Postgres: .*database "tidings2" does not exist',
        POSTGRES,
        r"not ready: Postgres: .*does not exist",
        lambda here: {"postgres_dsn": here.postgres.dsn + "2"},
    ),
    "NATS is away": State(
        lambda here: stopped(here, "nats"),
        r"✗ NATS: NATS cannot be reached at nats://127.0.0.1:\d+ within 5 s.*TIDINGS_NATS_URL",
        r"NATS is not connected",
        r"NATS is disconnected",
    ),
    "the password of NATS is wrong": State(
        lambda here: paused(here, "notifier"),
        r"✗ NATS: NATS rejects the credentials; check user, password",
        None,
        None,
        lambda here: {"nats_url": here.nats.url.replace("@", "x@")},
    ),
    "a stream is gone": State(
        without_tickets,
        r"✗ streams: TICKETS does not exist; start the services, which create it",
        r"^NATS cannot be used; this process's log and `tidings doctor` say why$",
        r"edge is not ready: NATS: stream TICKETS stores nothing",
    ),
    "a read model is of an older version": State(
        lambda here: changed_rows(here, VERSION.format("- 1"), VERSION.format("+ 1")),
        r"✗ read model inbox: .* is live, but this is version 5; run: tidings rebuild inbox",
        POSTGRES,
        r"run: tidings rebuild inbox",
    ),
    "a read model is of a newer version": State(
        lambda here: changed_rows(here, VERSION.format("+ 1"), VERSION.format("- 1")),
        r"✗ read model inbox: .*a newer Tidings has upgraded it; update this process",
        POSTGRES,
        r"a newer Tidings has upgraded it",
    ),
    "the rows are newer than the log": State(
        lambda here: changed_rows(here, BEYOND.format("+"), BEYOND.format("-")),
        r"✗ read model inbox: .*an older copy of it was restored.*tidings rebuild inbox",
        None,
        r"an older copy of it was restored.*tidings rebuild inbox",
    ),
    "an entry was set aside": State(
        with_dead_letter,
        r"✓ dead letters: .*dead.projection-inbox.0.7: Postgres: NotNullViolation: no value",
        None,
        exit_code=0,
    ),
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
async def test_each_broken_state_is_said_with_its_cause_place_and_way_out(
    installation: Installation, state: State
) -> None:
    async with state.broken(installation) as edge:
        url = installation.url
        if edge is not installation.parts["edge"]:
            url = await edge.start()
        await wait_until(lambda: says_ready(url, state.ready))
        output = await run_doctor(
            installation, state.exit_code, **state.doctor_settings(installation)
        )
        assert re.search(state.doctor, output), output
        if state.log:
            assert re.search(state.log, read_logs(installation))
    await wait_until(lambda: says_ready(installation.url, None))


async def test_a_healthy_installation_has_no_fault(installation: Installation) -> None:
    await wait_until(lambda: says_ready(installation.url, None))
    output = await run_doctor(installation, 0)
    assert "✗" not in output
    assert re.search(r"✓ services: running: edge 1, gateway 1, notifier 1, projector 1", output)


def edge_of(installation: Installation) -> Process:
    edge = installation.parts["edge"]
    assert isinstance(edge, Process)
    return edge


async def run_doctor(installation: Installation, exit_code: int, **settings: Any) -> str:
    doctor = await installation.process("doctor", **settings).spawn()
    output = (await asyncio.wait_for(doctor.stdout.read(), 40)).decode()
    assert await doctor.wait() == exit_code, output
    assert "Traceback" not in doctor.read_log()
    return output


async def execute(installation: Installation, statement: str) -> None:
    async with (
        open_postgres(installation.postgres.dsn, "tests", 1) as postgres,
        postgres.connection() as connection,
    ):
        await connection.execute(statement.encode())


def read_logs(installation: Installation) -> str:
    return "".join(
        (installation.directory / f"{name}.log").read_text()
        for name in ("edge", "wrong", "refused")
        if (installation.directory / f"{name}.log").exists()
    )
