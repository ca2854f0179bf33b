"""Processor time of a whole run: of each service, the servers, the clients and the load."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from tests.benchmarks.measure import PROC, TICKS_PER_SECOND, all_stat_fields, process_tree

LOAD = "load"
CLIENTS = "clients"


class ProcessorTimes:
    """A stopwatch of processor time over this process and all its children, started when made.

    `services` names children by their process id; others have the name of their program, and Python
    ones are clients.
    """

    def __init__(self, services: Mapping[str, int]) -> None:
        self._names = {pid: name for name, pid in services.items()}
        self._started = self._seconds()

    def microseconds_each(self, count: int) -> dict[str, float]:
        """Processor microseconds since the start by name, divided over `count` things done."""
        return {
            name: (seconds - self._started[name]) * 1e6 / count
            for name, seconds in self._seconds().items()
        }

    def _seconds(self) -> Counter[str]:
        fields, own = all_stat_fields(), os.getpid()
        seconds = Counter({LOAD: _ticks(fields[own], 2)})
        for child in [pid for pid, each in fields.items() if each[1] == str(own)]:
            ticks = sum(_ticks(fields[pid], 4) for pid in process_tree(child) if pid in fields)
            seconds[self._name(child)] += ticks
        return Counter({name: ticks / TICKS_PER_SECOND for name, ticks in seconds.items()})

    def _name(self, pid: int) -> str:
        if pid in self._names:
            return self._names[pid]
        try:
            program = (PROC / str(pid) / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            return CLIENTS
        return CLIENTS if program.startswith("python") else program


def _ticks(fields: list[str], times: int) -> int:
    """The user and system times of a process; with four, also those of its ended children."""
    return sum(int(ticks) for ticks in fields[11 : 11 + times])
