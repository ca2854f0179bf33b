"""Readiness: report that a process is ready, to its parent and health checks; serve metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from tidings.client.jetstream import JetStream
from tidings.runtime.health import Health, HealthProblem, Probe, log_probe
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.settings import Settings


def print_ready(service: str) -> None:
    """Print that a service is ready; the process that started it waits for that line."""
    print(f"ready {service}", flush=True)


class Readiness:
    """Whether a process has started, and what it needs works."""

    def __init__(
        self,
        service: str,
        jetstream: JetStream,
        probes: Mapping[str, Probe],
        waits_for: str = "it is starting; ask again in a moment",
    ) -> None:
        self._service = service
        self._waits_for = waits_for
        self._health = Health(service, jetstream, {"NATS": log_probe(jetstream), **probes})
        self.started = False

    def report(self, name: str = "") -> None:
        """Print that the service is ready, by its name or address; only the first time."""
        if not self.started:
            self.started = True
            print_ready(name or self._service)

    def problems(self) -> list[HealthProblem]:
        """Return why requests should not be sent here; empty if they should."""
        waiting = HealthProblem(self._waits_for, self._waits_for)
        return [*self._health.problems(), *(() if self.started else (waiting,))]

    def public_problems(self) -> list[str]:
        """Return the problems without reasons, which may name servers.

        They are for callers without a token.
        """
        return [problem.public for problem in self.problems()]

    @asynccontextmanager
    async def watch(self, settings: Settings, metrics: Metrics) -> AsyncGenerator[None]:
        """Try what the process needs, and serve metrics and health, inside the block."""
        trying = asyncio.create_task(self._health.run(self.problems), name="health")
        try:
            async with serve_own_metrics(settings, metrics, self.public_problems):
                yield
        finally:
            trying.cancel()
            await asyncio.wait((trying,))


@asynccontextmanager
async def serve_own_metrics(
    settings: Settings, metrics: Metrics, problems: Callable[[], list[str]]
) -> AsyncGenerator[None]:
    """Serve metrics and health on `metrics_port` inside the block, if it is set."""
    metrics.set_gauge(
        "tidings_ready", "1 while the process is ready, else 0.", lambda: not problems()
    )
    if settings.metrics_port is None:
        yield
        return
    from tidings.runtime.metrics.server import serve_metrics

    async with serve_metrics(settings, metrics, problems):
        yield
