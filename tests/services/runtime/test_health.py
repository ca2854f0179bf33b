"""Health: reasons are for operators, and reports go to inboxes, one a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest
from tidings.client.direct_client import ReceivedMessage
from tidings.contracts.subjects import HEALTH
from tidings.processes.readiness import Readiness
from tidings.runtime import health
from tidings.runtime.errors import Unavailable
from tidings.runtime.health import Health, HealthReport, Probe
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.process import Runtime

from tests.waiting import wait_until

REASON = "connection to server at 10.0.0.7, port 5432 failed"


async def fail() -> None:
    raise Unavailable(REASON)


@asynccontextmanager
async def run_health(runtime: Runtime, probe: Probe) -> AsyncIterator[str]:
    """Run the health of a process inside the block, and yield its name."""
    name = f"tests-{uuid4().hex[:8]}"
    watched = Health(name, runtime.jetstream, {"Postgres": probe})
    running = asyncio.create_task(watched.run(watched.problems))
    try:
        await asyncio.sleep(0.1)
        yield name
    finally:
        running.cancel()
        await asyncio.wait((running,))


async def ask(runtime: Runtime, prefix: str, times: int) -> None:
    for number in range(times):
        await runtime.jetstream.publish(HEALTH, b"", f"{prefix}.{number}")


def own(received: list[ReceivedMessage], name: str) -> list[HealthReport]:
    """Return the reports of the process of this name, among those of others."""
    reports = [msgspec.json.decode(message.data, type=HealthReport) for message in received]
    return [report for report in reports if report.service == name]


async def test_the_reason_is_reported_and_logged_but_not_public(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[ReceivedMessage] = []
    readiness = Readiness("tests", runtime.jetstream, {"Postgres": fail})
    readiness.started = True
    async with (
        run_health(runtime, fail) as name,
        runtime.jetstream.open_inbox(received.append) as inbox,
    ):
        await ask(runtime, inbox, 1)

        async def is_reported() -> bool:
            return bool(own(received, name))

        await wait_until(is_reported)

    (report,) = own(received, name)
    assert report.problems == (f"Postgres: {REASON}",)
    assert f"{name} is not ready: Postgres: {REASON}" in caplog.text

    async def is_probed() -> bool:
        return bool(readiness.public_problems())

    async with readiness.watch(runtime.settings, Metrics()):
        await wait_until(is_probed)
    assert readiness.public_problems() == [
        "Postgres cannot be used; this process's log and `tidings doctor` say why"
    ]


async def test_a_process_reports_at_most_once_in_each_interval(runtime: Runtime) -> None:
    received: list[ReceivedMessage] = []
    async with (
        run_health(runtime, fail) as name,
        runtime.jetstream.open_inbox(received.append) as inbox,
    ):
        await ask(runtime, inbox, 50)
        await asyncio.sleep(health.REPORT_INTERVAL_SECONDS / 2)
        at_once = len(own(received, name))
        await asyncio.sleep(health.REPORT_INTERVAL_SECONDS)

        assert (at_once, len(own(received, name))) in ((1, 1), (1, 2))
        assert all(not message.status for message in received)


async def test_a_report_goes_to_no_subject_but_an_inbox(runtime: Runtime) -> None:
    received: list[ReceivedMessage] = []
    prefix = f"events.{uuid4().hex}"
    async with (
        run_health(runtime, fail),
        runtime.jetstream.subscribe(f"{prefix}.>", received.append),
    ):
        await ask(runtime, prefix, 3)
        await asyncio.sleep(0.5)

    assert received == []
