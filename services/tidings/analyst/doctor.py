"""The doctor: looks at every part of an installation and says how it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import httpx
import msgspec
from tidings.contracts.subjects import DEAD, EVENTS, NOTIFICATIONS, events_of, position
from tidings.projections import PROJECTIONS
from tidings.runtime.errors import TidingsError
from tidings.runtime.follow import state
from tidings.runtime.jetstream import connect
from tidings.runtime.postgres import Postgres, open_postgres
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.read import last
from tidings.runtime.settings import Settings

STREAMS = {projection.name: projection.stream for projection in PROJECTIONS}
HTTP_SECONDS = 5.0
PARKED_SECONDS = 3.0
"""A living notifier writes its position down more often than this."""
LAG_QUERY = """
SELECT m.schema, m.name, m.version FROM tidings.read_model m WHERE m.live ORDER BY m.name
"""


class Finding(NamedTuple):
    """What was looked at, whether it is well, and what was seen or should be done."""

    what: str
    well: bool
    words: str


Look = Callable[[Runtime], Awaitable[tuple[str, bool, str]]]
"""Looks at something more; a finding."""


async def findings(settings: Settings, looks: Sequence[Look] = ()) -> AsyncIterator[Finding]:
    """Everything worth knowing, in the order in which one thing stands on another; at its end, what other services look at."""
    nats = await _nats(settings)
    yield nats
    postgres = await _postgres(settings)
    yield postgres
    if nats.well and postgres.well:
        async with open_runtime(settings, "doctor") as runtime:
            yield await _streams(runtime)
            yield await _notifier(runtime)
            async for finding in _read_models(runtime):
                yield finding
            yield await dead_letters(runtime)
            for look in looks:
                yield Finding(*await look(runtime))
    yield await _http(settings)


async def _nats(settings: Settings) -> Finding:
    try:
        async with connect(settings.nats, "tidings-doctor") as jetstream:
            await jetstream.call("INFO")
    except TidingsError as error:
        return Finding("NATS", False, str(error))
    return Finding("NATS", True, "answers, with JetStream")


async def _postgres(settings: Settings) -> Finding:
    try:
        async with (
            open_postgres(settings.postgres, "doctor", 1) as postgres,
            postgres.connection() as connection,
        ):
            row = await (await connection.execute("SHOW server_version")).fetchone()
    except TidingsError as error:
        return Finding("Postgres", False, str(error))
    return Finding("Postgres", True, f"answers, version {row[0] if row else '?'}")


async def _streams(runtime: Runtime) -> Finding:
    heads = {name: await state(runtime.jetstream, name) for name in (EVENTS, NOTIFICATIONS, DEAD)}
    return Finding(
        "streams",
        True,
        ", ".join(f"{name} at {head.last} (epoch {head.epoch})" for name, head in heads.items()),
    )


async def _notifier(runtime: Runtime) -> Finding:
    behind = await _behind(runtime)
    if behind:
        await asyncio.sleep(PARKED_SECONDS)
        now = await _behind(runtime)
        stuck = [
            number for number, lag in behind.items() if number in now and now[number][0] == lag[0]
        ]
        if stuck:
            words = ", ".join(
                f"partition {number} at event {now[number][0]} of {now[number][1]}"
                for number in stuck
            )
            return Finding("notifier", False, f"stands still: {words}; is a notifier running?")
    return Finding(
        "notifier",
        True,
        f"all {runtime.settings.partitions} partitions are routed"
        + (", some just now" if behind else " to their ends"),
    )


async def _behind(runtime: Runtime) -> dict[int, tuple[int, int]]:
    return {
        number: lag
        for number in range(runtime.settings.partitions)
        if (lag := await _lag(runtime, number))
    }


async def _lag(runtime: Runtime, number: int) -> tuple[int, int] | None:
    newest = await last(runtime.jetstream, EVENTS, events_of(number))
    parked = await last(runtime.jetstream, NOTIFICATIONS, position("notifier", number))
    routed = msgspec.json.decode(parked.data)["sequence"] if parked else 0
    return (routed, newest.sequence) if newest and routed < newest.sequence else None


async def _read_models(runtime: Runtime) -> AsyncIterator[Finding]:
    for schema, name, version in await _live(runtime.postgres):
        async with runtime.postgres.connection() as connection:
            query = f"SELECT coalesce(max(sequence), 0), coalesce(min(epoch), '') FROM {schema}.checkpoint"
            row = await (await connection.execute(query.encode())).fetchone()
        sequence, epoch = row or (0, "")
        stream = STREAMS[name]
        well = not epoch or epoch == runtime.epochs[stream]
        words = f"version {version} in {schema}, at {sequence}" + (
            "" if well else f": built from another {stream}; run tidings rebuild {name}"
        )
        yield Finding(f"read model {name}", well, words)


async def _live(postgres: Postgres) -> list[tuple[str, str, int]]:
    try:
        async with postgres.connection() as connection:
            return [
                (row[0], row[1], row[2])
                for row in await (await connection.execute(LAG_QUERY)).fetchall()
            ]
    except TidingsError:
        return []


async def dead_letters(runtime: Runtime) -> Finding:
    """What could not be routed: the newest of it, and why."""
    newest = await last(runtime.jetstream, DEAD, "dead.>")
    if newest is None:
        return Finding("dead letters", True, "none")
    reason = newest.headers.get("Tidings-Reason", "no reason given")
    return Finding("dead letters", True, f"some: the newest is {newest.subject}: {reason}")


async def _http(settings: Settings) -> Finding:
    url = settings.url or f"http://{settings.host}:{settings.port}"
    try:
        async with httpx.AsyncClient(timeout=HTTP_SECONDS) as client:
            response = await client.get(f"{url}/health/ready")
    except httpx.HTTPError as error:
        return Finding("edge", False, f"{url} does not answer ({type(error).__name__})")
    return Finding("edge", response.status_code == 200, f"{url} is {response.json().get('status')}")
