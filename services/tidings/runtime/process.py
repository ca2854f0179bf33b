"""Process: one event loop, one task group, one way to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from tidings.runtime.append import Appender
from tidings.runtime.cancellation import heed
from tidings.runtime.errors import TidingsError, Transient
from tidings.runtime.install import install
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.postgres import Postgres, open_postgres
from tidings.runtime.settings import Settings
from tidings.runtime.telemetry import configure_logging

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
QUIET_SECONDS = 30.0
COLLECT_AFTER = (5_000, 20, 20)
"""New objects, and collections of each younger generation, until the next collection (the interpreter's own: 700, 10, 10)."""

log = logging.getLogger("tidings.process")


class Runtime:
    """What a service is given: its settings, the streams and Postgres."""

    def __init__(
        self, settings: Settings, jetstream: JetStream, postgres: Postgres, epochs: dict[str, str]
    ) -> None:
        self.settings = settings
        self.jetstream = jetstream
        self.postgres = postgres
        self.epochs = epochs

    def appender(self) -> Appender:
        """An appender of its own."""
        return Appender(self.jetstream)


@asynccontextmanager
async def open_runtime(settings: Settings, name: str) -> AsyncGenerator[Runtime]:
    """Connect to NATS and Postgres, make the streams that are not there; raises what is wrong with either."""
    async with (
        connect(settings.nats, f"tidings-{name}") as jetstream,
        open_postgres(settings.postgres, name, settings.postgres_connections) as postgres,
    ):
        epochs = await install(jetstream, settings)
        yield Runtime(settings, jetstream, postgres, epochs)


def settle() -> None:
    """Have the collector leave alone what a process keeps for good, and look at the rest less often: few of our objects form cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def persist(name: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Do something for ever: whenever it fails for a passing reason, wait a moment (up to 2 seconds) and begin anew."""
    failures, wait = 0, 0.0
    loop = asyncio.get_running_loop()
    while True:
        heed()
        await asyncio.sleep(wait)
        began, wait = loop.time(), 0.0
        try:
            await attempt()
        except* Transient as problems:
            failures = 1 if loop.time() - began > QUIET_SECONDS else failures + 1
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]
            log.warning("%s: %s; again in %.1f s", name, _leaves(problems)[0], wait)


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGINT or SIGTERM, then cancel the work and wait for it to clean up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")


def run(work: Coroutine[Any, Any, None], settings: Settings) -> int:
    """The body of a service's command: 0 after a stop that was asked for, 1 after an error that trying again does not mend."""
    configure_logging(settings.log_level)
    failures: list[TidingsError] = []
    try:
        uvloop.run(until_stopped(work))
    except* TidingsError as problems:
        failures = _leaves(problems)
    for failure in failures:
        log.critical("%s", failure)
    return 1 if failures else 0


def _leaves(group: BaseExceptionGroup[TidingsError]) -> list[TidingsError]:
    return [
        leaf
        for each in group.exceptions
        for leaf in (_leaves(each) if isinstance(each, BaseExceptionGroup) else [each])
    ]
