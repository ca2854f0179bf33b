"""The doctor: checks every part of an installation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import httpx
import msgspec
from tidings.client.jetstream import connect
from tidings.contracts.subjects import (
    DEAD_LETTERS,
    EVENTS,
    NOTIFICATIONS,
    partition_events_subject,
    position_subject,
)
from tidings.projections import PROJECTIONS
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.follow import stream_state
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.readmodels.postgres import Postgres, open_postgres
from tidings.runtime.settings import Settings

STREAM_OF_PROJECTION = {projection.name: projection.stream for projection in PROJECTIONS}
HTTP_TIMEOUT_SECONDS = 5.0
POSITION_SAVE_SECONDS = 3.0
"""A living notifier saves its position more often than this."""
LIVE_READ_MODELS = """
SELECT m.schema, m.name, m.version FROM tidings.read_model m WHERE m.live ORDER BY m.name
"""


class Finding(NamedTuple):
    """What was checked, whether it is well, and what was found or should be done."""

    subject: str
    healthy: bool
    message: str


ExtraCheck = Callable[[Runtime], Awaitable[tuple[str, bool, str]]]
"""A check of another service; returns a finding."""


async def run_checks(
    settings: Settings, looks: Sequence[ExtraCheck] = ()
) -> AsyncIterator[Finding]:
    """Yield the findings, in the order in which parts depend on each other, `more` at the end."""
    nats = await _check_nats(settings)
    yield nats
    postgres = await _check_postgres(settings)
    yield postgres
    if nats.healthy and postgres.healthy:
        async with open_runtime(settings, "doctor") as runtime:
            yield await _check_streams(runtime)
            yield await _check_notifier(runtime)
            async for finding in check_read_models(runtime):
                yield finding
            yield await check_dead_letters(runtime)
            for look in looks:
                yield Finding(*await look(runtime))
    yield await _check_http(settings)


async def _check_nats(settings: Settings) -> Finding:
    try:
        async with connect(settings.nats, "tidings-doctor") as jetstream:
            await jetstream.call_api("INFO")
    except TidingsError as error:
        return Finding("NATS", False, str(error))
    return Finding("NATS", True, "answers, with JetStream")


async def _check_postgres(settings: Settings) -> Finding:
    try:
        async with (
            open_postgres(settings.postgres, "doctor", 1) as postgres,
            postgres.connection() as connection,
        ):
            row = await (await connection.execute("SHOW server_version")).fetchone()
    except TidingsError as error:
        return Finding("Postgres", False, str(error))
    return Finding("Postgres", True, f"answers, version {row[0] if row else '?'}")


async def _check_streams(runtime: Runtime) -> Finding:
    heads = {
        name: await stream_state(runtime.jetstream, name)
        for name in (EVENTS, NOTIFICATIONS, DEAD_LETTERS)
    }
    return Finding(
        "streams",
        True,
        ", ".join(
            f"{name} at {head.last_sequence} (epoch {head.epoch})" for name, head in heads.items()
        ),
    )


async def _check_notifier(runtime: Runtime) -> Finding:
    behind = await _partition_lags(runtime)
    if behind:
        await asyncio.sleep(POSITION_SAVE_SECONDS)
        now = await _partition_lags(runtime)
        stuck = [
            number for number, lag in behind.items() if number in now and now[number][0] == lag[0]
        ]
        if stuck:
            text = ", ".join(
                f"partition {number} at event {now[number][0]} of {now[number][1]}"
                for number in stuck
            )
            return Finding("notifier", False, f"stands still: {text}; is a notifier running?")
    return Finding(
        "notifier",
        True,
        f"all {runtime.settings.partitions} partitions are routed"
        + (", some just now" if behind else " to their ends"),
    )


async def _partition_lags(runtime: Runtime) -> dict[int, tuple[int, int]]:
    return {
        number: lag
        for number in range(runtime.settings.partitions)
        if (lag := await _partition_lag(runtime, number))
    }


async def _partition_lag(runtime: Runtime, number: int) -> tuple[int, int] | None:
    newest = await last_message(runtime.jetstream, EVENTS, partition_events_subject(number))
    saved = await last_message(
        runtime.jetstream, NOTIFICATIONS, position_subject("notifier", number)
    )
    routed = msgspec.json.decode(saved.data)["sequence"] if saved else 0
    return (routed, newest.sequence) if newest and routed < newest.sequence else None


async def check_read_models(runtime: Runtime) -> AsyncIterator[Finding]:
    """Yield a finding for each live read model, also for one that this version does not know."""
    for schema, name, version in await _live_read_models(runtime.postgres):
        if name in STREAM_OF_PROJECTION:
            yield await _check_read_model(runtime, schema, name, version)
        else:
            yield _unknown_read_model(schema, name, version)


async def _check_read_model(runtime: Runtime, schema: str, name: str, version: int) -> Finding:
    async with runtime.postgres.connection() as connection:
        query = (
            f"SELECT coalesce(max(sequence), 0), coalesce(min(epoch), '') FROM {schema}.checkpoint"
        )
        row = await (await connection.execute(query.encode())).fetchone()
    sequence, epoch = row or (0, "")
    stream = STREAM_OF_PROJECTION[name]
    healthy = not epoch or epoch == runtime.epochs[stream]
    advice = "" if healthy else f": built from another {stream}; run tidings rebuild {name}"
    return Finding(
        f"read model {name}", healthy, f"version {version} in {schema}, at {sequence}{advice}"
    )


def _unknown_read_model(schema: str, name: str, version: int) -> Finding:
    """Return a finding that is no failure: another version made it, and nothing here reads it."""
    return Finding(
        f"read model {name}",
        True,
        f"version {version} in {schema}: no projection of this version has that name; "
        f"harmless: nothing writes or reads it, and its schema may be dropped",
    )


async def _live_read_models(postgres: Postgres) -> list[tuple[str, str, int]]:
    try:
        async with postgres.connection() as connection:
            return [
                (row[0], row[1], row[2])
                for row in await (await connection.execute(LIVE_READ_MODELS)).fetchall()
            ]
    except TidingsError:
        return []


async def check_dead_letters(runtime: Runtime) -> Finding:
    """Return the finding about dead letters: the newest one, and why."""
    newest = await last_message(runtime.jetstream, DEAD_LETTERS, "dead.>")
    if newest is None:
        return Finding("dead letters", True, "none")
    reason = newest.headers.get("Tidings-Reason", "no reason given")
    return Finding("dead letters", True, f"some: the newest is {newest.subject}: {reason}")


async def _check_http(settings: Settings) -> Finding:
    url = settings.client_url or f"http://{settings.host}:{settings.port}"
    try:
        async with httpx.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as client:
            response = await client.get(f"{url}/health/ready")
    except httpx.HTTPError as error:
        return Finding("edge", False, f"{url} does not answer ({type(error).__name__})")
    return Finding("edge", response.status_code == 200, f"{url} is {response.json().get('status')}")
