"""Run the benchmark: `just bench [PART…]`.

    just bench                           all parts but `reach` and `soak`
    just bench reach                     the figures to be reached, in at most twelve minutes
    just bench reach:edge                one part of them, without the peers that take long
    just bench latency edge              some parts
    just bench latency --against PATH    this checkout and the one in PATH, in turns

Tidings and its peers take turns in one run, each in processes and directories of its own on
127.0.0.1. The peers need redis-server (FastAPI + Redis), node and npm (Socket.IO; its packages are
fetched once), nginx with libnginx-mod-nchan (Nchan). The rows of a missing peer are left out, with
a message. A part that fails or takes too long is reported, and the others go on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from importlib import import_module
from pathlib import Path
from typing import cast

import uvloop

from tests.benchmarks.against import compare
from tests.benchmarks.measure import (
    Row,
    machine,
    number,
    raise_file_limit,
    spin_milliseconds,
    table,
    versions,
)
from tests.benchmarks.stacks import PEERS

FILES = 20_000
PART_SECONDS = 600.0
LONG_PART_SECONDS = 7200.0
ROUNDS = 3

PARTS = {
    "latency": "latency",
    "pipeline": "pipeline",
    "catchup": "catchup",
    "domains": "domains",
    "outbox": "outbox",
    "channels": "channels",
    "edge": "edge_rows",
    "dialects": "dialects",
    "topic": "edge_rows",
    "topics": "topics",
    "memory": "edge_rows",
    "crowd": "edge_rows",
    "storm": "edge_rows",
    "losses": "losses",
    "browser": "browser",
    "growth": "growth",
    "soak": "edge_rows",
}
"""The module that measures each part. It is imported when the part runs, so that another checkout
needs only what the chosen parts import."""
LONG_PARTS = ("growth", "soak")
REACH = "reach"

Part = Callable[[], AsyncIterator[Row | str]]


def parts_named(names: Sequence[str]) -> dict[str, Part]:
    """Return the parts of these names; `reach` stands for all of its parts, `reach:edge` for one.

    Raises KeyError for a name that there is not.
    """
    parts: dict[str, Part] = {}
    for name in names:
        if name.partition(":")[0] == REACH:
            reach = import_module("tests.benchmarks.reach").REACH
            one = name.partition(":")[2]
            chosen = {one: reach[one]} if one else reach
            parts |= {f"{REACH}:{part}": measure for part, measure in chosen.items()}
        else:
            parts[name] = getattr(import_module(f"tests.benchmarks.{PARTS[name]}"), name)
    return parts


class Report:
    """The rows, the tables and the failures of a run, printed as they come."""

    def __init__(self, as_json: bool) -> None:
        self.rows: list[Row] = []
        self.tables: list[str] = []
        self.missed: list[str] = []
        self.failures: list[str] = []
        self._as_json = as_json
        self._subject = ""

    async def run(self, name: str, part: Part) -> None:
        """Measure a part; an error or its time limit ends only this part."""
        seconds = LONG_PART_SECONDS if name in LONG_PARTS else PART_SECONDS
        results = cast(AsyncGenerator[Row | str], part())
        try:
            async with asyncio.timeout(seconds), aclosing(results):
                async for result in results:
                    self.add(result)
        except Exception as error:  # the other parts are worth their time
            traceback.print_exc()
            self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def add(self, result: Row | str) -> None:
        """Add a row or a table."""
        if isinstance(result, str):
            self.tables.append(result)
            return
        self.rows.append(result)
        name = self._whole_name(result.figure)
        measured = f"{number(result.value)} {result.unit} {result.verdict}".rstrip()
        print(f"{result.figure}: {measured}", file=sys.stderr, flush=True)
        if result.verdict == "missed":
            self.missed.append(f"{name}: {measured}")
        if self._as_json:
            row = {"figure": name, "value": result.value, "unit": result.unit}
            print(json.dumps(row), flush=True)

    def print_all(self) -> None:
        """Print the machine, the versions, all tables, and what was missed or has failed."""
        names = ", ".join(f"{name} {version}" for name, version in versions().items())
        print(f"{machine()}\n{names}")
        print(*(table(self.rows), *self.tables), sep="\n\n")
        if self.missed:
            print(f"\n{len(self.missed)} missed:", *self.missed, sep="\n- ")
        if self.failures:
            print("\nfailed:", *self.failures, sep="\n- ")

    def _whole_name(self, figure: str) -> str:
        """Return a figure's name; one that begins with `…` follows what it continues."""
        if figure.startswith("…"):
            return f"{self._subject} {figure}"
        self._subject = figure
        return figure


async def measure(names: Sequence[str], as_json: bool) -> bool:
    """Measure and print; return whether every part was measured."""
    report = Report(as_json)
    spin = spin_milliseconds()
    report.add(Row(figure="this machine: a loop of five million turns", value=spin, unit="ms"))
    for name, part in parts_named(names).items():
        await report.run(name, part)
    for peer in PEERS:
        if peer.missing:
            print(f"{peer.name} was left out: {peer.missing}", file=sys.stderr)
    if not as_json:
        report.print_all()
    return not report.failures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="just bench")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join((REACH, *PARTS)))
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each checkout")
    parser.add_argument("--json", action="store_true", help="print rows as JSON lines")
    options = parser.parse_args()
    names = options.parts or [part for part in PARTS if part != "soak"]
    try:
        parts_named(names)
    except KeyError as unknown:
        parser.error(f"no such part: {unknown}; there are {', '.join((REACH, *PARTS))}")
    raise_file_limit(FILES)
    if options.against:
        print(compare(names, options.against, options.rounds))
    elif not uvloop.run(measure(names, options.json)):
        sys.exit(1)


if __name__ == "__main__":
    main()
