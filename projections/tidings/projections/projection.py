"""Projection: one value that says how the messages of a stream become the rows of a read model."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, eq=False)
class Statement:
    """SQL that takes many rows at once, as one JSON array (`%s`), in a schema (`{schema}`).

    `joins`: several rows of one scope may go into one execution, because their order does not matter or the last one wins.
    `parts`: it touches every scope, so all changes before it take effect before, and all after it after.
    """

    name: str
    sql: str
    joins: bool = False
    parts: bool = False


class Change(NamedTuple):
    """One row for a statement. Changes of one scope take effect in order; of one identity, only the last is needed.

    `behind`: another scope, all changes of which so far take effect before this one does.
    """

    statement: Statement
    scope: Hashable
    identity: Hashable
    row: dict[str, Any]
    behind: Hashable = None


class Message(NamedTuple):
    """What a projection reads: a message of the log, its time in nanoseconds since 1970."""

    subject: str
    data: bytes
    sequence: int
    time_nanoseconds: int


@dataclass(frozen=True)
class Projection:
    """A read model: tables (`schema`), and `evolve` from a message to changes. Each version has a Postgres schema of its own.

    `subjects`: what of the stream it reads; a `{partition}` in them stands for the number of one.
    `partitioned`: each partition of the stream is folded by itself, with a checkpoint of its own.
    """

    name: str
    version: int
    stream: str
    subjects: tuple[str, ...]
    schema: str
    evolve: Callable[[Any], Iterator[Change]]
    partitioned: bool = False


Step = tuple[Statement, list[dict[str, Any]]]


def steps(changes: Iterable[Change]) -> list[Step]:
    """Gather changes into as few executions as keep the order within each scope."""
    gathered: list[tuple[Statement, dict[Hashable, dict[str, Any]]]] = []
    reached: dict[Hashable, int] = {}
    parted = 0
    for change in changes:
        first = max(
            _first(change.statement, reached.get(change.scope, -1)),
            reached.get(change.behind, -1) + 1,
            parted,
        )
        if change.statement.parts:
            again = bool(gathered) and gathered[-1][0] is change.statement
            first = max(reached.get(change.scope, -1) + 1, len(gathered) - again)
            parted = first + 1
        place = _place(gathered, change.statement, first)
        reached[change.scope] = place
        gathered[place][1][change.identity] = change.row
    return [(statement, list(rows.values())) for statement, rows in gathered]


def _first(statement: Statement, reached: int) -> int:
    return reached if statement.joins and reached >= 0 else reached + 1


def _place(
    gathered: list[tuple[Statement, dict[Hashable, dict[str, Any]]]],
    statement: Statement,
    first: int,
) -> int:
    for place in range(first, len(gathered)):
        if gathered[place][0] is statement:
            return place
    gathered.append((statement, {}))
    return len(gathered) - 1
