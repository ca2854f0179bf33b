"""Measurement and reports: processor time, memory, latency, the machine, tables."""

import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path
from statistics import median

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SERVERS = ("uvicorn", "uvloop", "httptools", "websockets", "psycopg")
PACKAGES = (
    *SERVERS,
    "litestar",
    "msgspec",
    "nats-py",
    "fastapi",
    "starlette",
    "pydantic",
    "redis",
    "hiredis",
)
SPINS = 5_000_000


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat after the command name (proc(5)).

    [1] is the parent and [11:15] are the four times.
    """
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def all_stat_fields() -> dict[int, list[str]]:
    """`stat_fields` of every process that lives."""
    fields: dict[int, list[str]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields[int(entry.name)] = stat_fields(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return fields


def process_tree(pid: int) -> list[int]:
    """The process and all that descend from it, the parents first."""
    parents = {child: int(fields[1]) for child, fields in all_stat_fields().items()}
    tree = [pid]
    for parent_pid in tree:
        tree.extend(child for child, parent in parents.items() if parent == parent_pid)
    return tree


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds (user and system) of the process tree of `pid`.

    Includes ended processes that were waited for. The kernel counts in ticks of 10 ms: measure for
    long enough.
    """
    fields = all_stat_fields()
    ticks = sum(
        int(ticks)
        for process_id in process_tree(pid)
        if process_id in fields
        for ticks in fields[process_id][11:15]
    )
    return ticks / TICKS_PER_SECOND


class CpuTime:
    """A stopwatch of processor time over one process tree, started when made."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.started = cpu_seconds(pid)

    def seconds(self) -> float:
        """Processor seconds since the start."""
        return cpu_seconds(self.pid) - self.started

    def microseconds_each(self, count: int) -> float:
        """Processor microseconds since the start, divided over `count` things done."""
        return self.seconds() * 1e6 / count


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The memory of a process in bytes.

    `resident` counts shared pages in full, `proportional` divides them among their users.
    """

    resident: int
    proportional: int


def memory(pid: int) -> Memory:
    """Read /proc/<pid>/smaps_rollup (which states KiB)."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    kibibytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)
    }
    return Memory(resident=kibibytes["Rss"] * 1024, proportional=kibibytes["Pss"] * 1024)


def raise_file_limit(files: int) -> None:
    """Allow this process and its children `files` open files; past the hard limit needs root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, hard)))


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the nearest-rank percentile; NaN without values.

    That is the smallest value that `fraction` (0..1) of the values do not exceed.
    """
    if not values:
        return float("nan")
    return sorted(values)[max(0, ceil(fraction * len(values)) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Latency percentiles in milliseconds over `delivered` of `sent` frames."""

    sent: int
    delivered: int
    p50_milliseconds: float
    p99_milliseconds: float
    max_milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a report: a figure, its limit if it has one, and their unit.

    A value may be up to its limit, or `at_least` as high. `spread` is the lowest and the highest of
    several rounds.
    """

    figure: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    spread: tuple[float, float] | None = None

    @property
    def verdict(self) -> str:
        """`reached` or `missed`; empty without a limit."""
        if self.limit is None:
            return ""
        within = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "reached" if within else "missed"

    def cells(self) -> tuple[str, ...]:
        """Figure, measured, limit, measured divided by limit, and the verdict."""
        spread = (
            ""
            if self.spread is None
            else f" ({number(self.spread[0])} to {number(self.spread[1])})"
        )
        measured = f"{number(self.value)} {self.unit}{spread}"
        if self.limit is None:
            return self.figure, measured, "", "", ""
        limit = f"{'≥' if self.at_least else '≤'} {number(self.limit)} {self.unit}"
        ratio = f"{self.value / self.limit:.2f}" if self.limit else ""
        return self.figure, measured, limit, ratio, self.verdict


def median_row(rounds: Sequence[Row]) -> Row:
    """The same figure measured several times: the median, with its spread."""
    values = [row.value for row in rounds]
    return replace(rounds[0], value=median(values), spread=(min(values), max(values)))


def number(value: float) -> str:
    """Three significant digits or so, thousands apart: 12 345 · 123 · 12.3 · 1.23."""
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", " ")


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown: figure | measured | limit | ratio | verdict."""
    lines = [
        ("figure", "measured", "limit", "ratio", ""),
        ("---", "--:", "--:", "--:", "---"),
        *(row.cells() for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Processor, cores, memory and kernel, in one line."""
    model_names = [
        line.partition(":")[2].strip()
        for line in (PROC / "cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = model_names[0] if model_names else platform.machine()
    cores, kernel = len(os.sched_getaffinity(0)), f"{platform.system()} {platform.release()}"
    return f"{model}, {cores} cores, {gibibytes:.0f} GiB, {kernel}"


def spin_milliseconds() -> float:
    """Measure the milliseconds of a fixed loop (the fastest of three).

    It relates the figures of runs on machines of different speed.
    """

    def spin() -> float:
        started_at = time.process_time()
        for _ in range(SPINS):
            pass
        return (time.process_time() - started_at) * 1e3

    return min(spin() for _ in range(3))


def versions(*programs: str) -> dict[str, str]:
    """Return the versions of Python, of installed packages, and of programs with `--version`."""
    by_name = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            by_name[package] = version(package)
        except PackageNotFoundError:
            continue
    for program in programs:
        by_name[program] = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return by_name
