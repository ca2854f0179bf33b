"""Compare this checkout with another one, in turns: `--against PATH`.

These benchmarks run with the services of either checkout, each round in a process of its own, so
that a machine that becomes slower or busier meets both alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import number
from tests.benchmarks.processes import ROOT

PACKAGES = ("contracts", "projections", "services")

Figures = dict[str, list[float]]
"""The values of each figure, one a round."""


def compare(parts: Sequence[str], other: Path, rounds: int) -> str:
    """Measure both checkouts in turns, and return a Markdown table of both."""
    for package in PACKAGES:
        if not (other / package / "tidings").is_dir():
            sys.exit(f"{other} is no checkout of Tidings: it has no {package}/tidings")
    ours, theirs = Figures(), Figures()
    units: dict[str, str] = {}
    for turn in range(rounds):
        sides = ((ROOT, ours), (other.resolve(), theirs))
        for checkout, figures in sides if turn % 2 == 0 else reversed(sides):
            print(f"round {turn + 1} of {rounds}: {checkout}", file=sys.stderr, flush=True)
            units |= _measure(parts, checkout, figures)
    return _table(ours, theirs, units, other)


def _measure(parts: Sequence[str], checkout: Path, figures: Figures) -> dict[str, str]:
    """Add the figures of one round with the packages of a checkout; return their units."""
    path = os.pathsep.join(str(checkout / package) for package in PACKAGES)
    result = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--json", *parts],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        check=False,
    )
    units: dict[str, str] = {}
    for line in result.stdout.splitlines():
        row = json.loads(line)
        figures.setdefault(row["figure"], []).append(row["value"])
        units[row["figure"]] = row["unit"]
    return units


def _table(ours: Figures, theirs: Figures, units: dict[str, str], other: Path) -> str:
    lines = [
        f"| figure | this checkout | {other} | this ÷ other |",
        "| --- | --: | --: | --: |",
    ]
    for figure, unit in units.items():
        both = [_cell(side.get(figure, []), unit) for side in (ours, theirs)]
        ratio = ""
        if ours.get(figure) and theirs.get(figure) and median(theirs[figure]):
            ratio = f"{median(ours[figure]) / median(theirs[figure]):.2f}"
        lines.append(f"| {figure} | {' | '.join(both)} | {ratio} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], unit: str) -> str:
    """The median, and the lowest and the highest if there are several."""
    if not values:
        return "–"
    spread = f" ({number(min(values))} to {number(max(values))})" if len(values) > 1 else ""
    return f"{number(median(values))} {unit}{spread}"
