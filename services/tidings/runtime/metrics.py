"""Metrics: what a process says of itself at `/metrics`, in the Prometheus text format (version 0.0.4)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from tidings.runtime.openapi import Operation, says

MEDIA_TYPE = "text/plain; version=0.0.4"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Gauge(NamedTuple):
    """A number that goes up and down; `read` tells what it is now, or None where that is not known."""

    name: str
    means: str
    read: Callable[[], float | None]


def metrics(gauges: Sequence[Gauge]) -> HTTPRouteHandler:
    """The route of `/metrics`: these gauges, and those of every process."""

    @get("/metrics", sync_to_thread=False, opt=says(Operation(str, "text/plain")))
    def metrics() -> Response[bytes]:
        """What this process says of itself, in the Prometheus text format."""
        return Response(exposition((*PROCESS, *gauges)), media_type=MEDIA_TYPE)

    return metrics


def exposition(gauges: Iterable[Gauge]) -> bytes:
    """All gauges that are known now, as text."""
    told = ((gauge, gauge.read()) for gauge in gauges)
    return "".join(_lines(gauge, value) for gauge, value in told if value is not None).encode()


def _lines(gauge: Gauge, value: float) -> str:
    return (
        f"# HELP {gauge.name} {gauge.means}\n# TYPE {gauge.name} gauge\n{gauge.name} {value:.15g}\n"
    )


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


PROCESS = (
    Gauge("tidings_tasks", "Tasks of the event loop that have not ended.", _tasks),
    Gauge("process_open_fds", "Open files and sockets.", _open_files),
    Gauge("process_resident_memory_bytes", "Memory that is resident, in bytes.", _resident_bytes),
)
"""What every process can tell; where there is no /proc, less of it."""
