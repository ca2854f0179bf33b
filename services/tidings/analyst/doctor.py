"""The doctor: checks every part of an installation, and creates or changes none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from tidings.analyst.finding import Finding, checked
from tidings.analyst.read_model_checks import check_read_models
from tidings.analyst.server_checks import (
    CONNECT_SECONDS,
    check_http,
    check_nats,
    check_postgres,
    check_services,
    check_streams,
)
from tidings.client.jetstream import connect
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.subjects import (
    DEAD_LETTERS,
    EVENTS,
    NOTIFICATIONS,
    partition_events_subject,
    position_subject,
)
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import open_postgres
from tidings.runtime.settings import Settings

POSITION_SAVE_SECONDS = 3.0
"""A living notifier saves its position more often than this."""

ExtraCheck = Callable[[Runtime], Awaitable[tuple[str, bool, str]]]
"""A check of another service; returns a finding."""


async def run_checks(
    settings: Settings, looks: Sequence[ExtraCheck] = ()
) -> AsyncGenerator[Finding]:
    """Yield the findings in the order in which parts depend on each other; `looks` come late."""
    nats = await check_nats(settings)
    yield nats
    postgres = await check_postgres(settings)
    yield postgres
    try:
        async for finding in _check_log(settings, postgres.healthy, looks):
            yield finding
    except TidingsError as error:
        if nats.healthy:
            yield Finding("log", False, str(error))
    yield await check_http(settings)


async def _check_log(
    settings: Settings, with_postgres: bool, looks: Sequence[ExtraCheck]
) -> AsyncGenerator[Finding]:
    async with _open_runtime(settings) as runtime:
        streams, epochs = await check_streams(runtime.jetstream)
        yield streams
        runtime.epochs.update(epochs)
        yield await checked("services", check_services(runtime.jetstream))
        if not {EVENTS, NOTIFICATIONS} <= epochs.keys():
            return
        yield await checked("notifier", _check_notifier(runtime))
        if with_postgres:
            async for finding in check_read_models(runtime):
                yield finding
        yield await checked("dead letters", check_dead_letters(runtime))
        if with_postgres:
            for look in looks:
                yield Finding(*await look(runtime))


@asynccontextmanager
async def _open_runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    """Connect as a service does, but install nothing."""
    async with (
        connect(settings.nats, "tidings-doctor", seconds=CONNECT_SECONDS) as jetstream,
        open_postgres(settings.postgres, "doctor", 1) as postgres,
    ):
        yield Runtime(settings, jetstream, postgres, {}, OwnEventIds(b""))


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


async def check_dead_letters(runtime: Runtime) -> Finding:
    """Return the finding about dead letters: the newest one, and why."""
    newest = await last_message(runtime.jetstream, DEAD_LETTERS, "dead.>")
    if newest is None:
        return Finding("dead letters", True, "none")
    reason = newest.headers.get("Tidings-Reason", "no reason given")
    return Finding("dead letters", True, f"some: the newest is {newest.subject}: {reason}")
