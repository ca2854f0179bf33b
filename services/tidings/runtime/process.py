"""Process: one event loop, one task group, one way to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from tidings.client.appender import Appender
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.ids import OwnEventIds
from tidings.runtime.cancellation import raise_if_cancelled
from tidings.runtime.errors import Permanent, TidingsError, Transient
from tidings.runtime.health import AppendWatch, WatchedAppender
from tidings.runtime.log.install import install_streams
from tidings.runtime.log.installation_key import installation_key
from tidings.runtime.log.limits import LimitPolicy
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.readmodels.postgres import Postgres, open_postgres
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import unread_variables
from tidings.runtime.telemetry import configure_logging

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0)
BACKOFF_RESET_SECONDS = 5.0
GC_THRESHOLDS = (5_000, 20, 20)
"""Arguments of `gc.set_threshold`; the interpreter's defaults are 700, 10, 10."""

log = logging.getLogger("tidings.process")


class Runtime:
    """The settings, connections and metrics of a service.

    `epochs` by the name of the stream; `own_ids`: the ids of events that Tidings itself emits.
    `set_aside_in_a_row`: entries since the last one that became rows, by schema and partition;
    here, so that it outlasts the attempts of `run_forever`.
    """

    def __init__(
        self,
        settings: Settings,
        jetstream: JetStream,
        postgres: Postgres,
        epochs: dict[str, str],
        own_ids: OwnEventIds,
        metrics: Metrics | None = None,
    ) -> None:
        self.settings = settings
        self.jetstream = jetstream
        self.postgres = postgres
        self.epochs = epochs
        self.own_ids = own_ids
        self.metrics = metrics or Metrics()
        self.appends = AppendWatch()
        self.set_aside_in_a_row: Counter[tuple[str, int]] = Counter()

    def appender(self) -> Appender:
        """Return a new appender, for one caller."""
        return WatchedAppender(self.jetstream, self.appends, self.settings.replicas)


@asynccontextmanager
async def open_runtime(
    settings: Settings, name: str, limits: LimitPolicy = "raise"
) -> AsyncGenerator[Runtime]:
    """Connect to NATS and Postgres and install the streams; raises TidingsError."""
    metrics = Metrics()
    async with (
        connect(settings.nats, f"tidings-{name}") as jetstream,
        open_postgres(
            settings.postgres, name, settings.postgres_connections, metrics.postgres
        ) as postgres,
    ):
        epochs = await install_streams(jetstream, settings, limits)
        own_ids = OwnEventIds(await installation_key(jetstream))
        metrics.set_gauge(
            "tidings_nats_connected",
            "1 while the connection to NATS is open, else 0.",
            lambda: jetstream.connected,
        )
        yield Runtime(settings, jetstream, postgres, epochs, own_ids, metrics)


def tune_gc() -> None:
    """Exempt all present objects from garbage collection and collect less often.

    They live as long as the process, and few of the later objects form cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def run_forever(name: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Repeat an attempt; after a Transient error wait first, longer each time, up to 1 second."""
    failures, wait = 0, 0.0
    loop = asyncio.get_running_loop()
    while True:
        raise_if_cancelled()
        await asyncio.sleep(wait)
        started_at, wait = loop.time(), 0.0
        try:
            await attempt()
        except* Transient as problems:
            failures = 1 if loop.time() - started_at > BACKOFF_RESET_SECONDS else failures + 1
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]
            log.warning("%s: %s; retrying in %.1f s", name, _leaves(problems)[0], wait)


async def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP, then cancel the work and wait for it to clean up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A terminal that is closed sends SIGHUP, unless `nohup` has it ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")


def warn_of_unread_variables() -> None:
    """Log a warning for each environment variable of the products' servers, which is not read."""
    for warning in unread_variables():
        log.warning("%s", warning)


def run_service(work: Coroutine[Any, Any, None], settings: Settings) -> int:
    """Run a service; return its exit code: 0 after SIGINT or SIGTERM, 1 after a TidingsError."""
    configure_logging(settings.log_level)
    warn_of_unread_variables()
    failures: list[TidingsError] = []
    try:
        uvloop.run(run_until_stopped(work))
    except* TidingsError as problems:
        failures = _leaves(problems)
    for failure in failures:
        log.critical("%s", failure)
        if isinstance(failure, Permanent):
            print_failed(failure)
    return 1 if failures else 0


def print_failed(failure: TidingsError) -> None:
    """Print why a service cannot go on; the process that started it reads that line."""
    print("failed", " ".join(str(failure).split()), flush=True)


def _leaves(group: BaseExceptionGroup[TidingsError]) -> list[TidingsError]:
    return [
        leaf
        for exception in group.exceptions
        for leaf in (
            _leaves(exception) if isinstance(exception, BaseExceptionGroup) else [exception]
        )
    ]
