"""Metrics: the gauges of a process at `/metrics`, in the Prometheus text format 0.0.4."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from tidings.runtime.http.openapi import Operation, operation_opt

MEDIA_TYPE = "text/plain; version=0.0.4"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Gauge(NamedTuple):
    """A gauge; `read_value` returns its present value, or None where it is unknown."""

    name: str
    help_text: str
    read_value: Callable[[], float | None]


def metrics_route(gauges: Sequence[Gauge]) -> HTTPRouteHandler:
    """Return the route of `/metrics`, with these gauges and those of every process."""

    @get("/metrics", sync_to_thread=False, opt=operation_opt(Operation(str, "text/plain")))
    def metrics() -> Response[bytes]:
        """Return the gauges of this process, in the Prometheus text format."""
        return Response(exposition_text((*PROCESS_GAUGES, *gauges)), media_type=MEDIA_TYPE)

    return metrics


def exposition_text(gauges: Iterable[Gauge]) -> bytes:
    """Return all gauges with a known value as text."""
    values = ((gauge, gauge.read_value()) for gauge in gauges)
    return "".join(
        _gauge_lines(gauge, value) for gauge, value in values if value is not None
    ).encode()


def _gauge_lines(gauge: Gauge, value: float) -> str:
    name = gauge.name
    return f"# HELP {name} {gauge.help_text}\n# TYPE {name} gauge\n{name} {value:.15g}\n"


def _tasks() -> float:
    return len(asyncio.all_tasks())


def _open_files() -> float | None:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  names are enough
    except OSError:
        return None


def _resident_bytes() -> float | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return None


PROCESS_GAUGES = (
    Gauge("tidings_tasks", "Tasks of the event loop that have not ended.", _tasks),
    Gauge("process_open_fds", "Open files and sockets.", _open_files),
    Gauge("process_resident_memory_bytes", "Memory that is resident, in bytes.", _resident_bytes),
)
"""The gauges of every process; without /proc only the tasks."""
