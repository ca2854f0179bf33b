"""The value that defines how messages of a stream become rows of a read model."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, eq=False)
class Statement:
    """SQL that takes many rows at once as one JSON array (`%s`), in a schema (`{schema}`).

    `mergeable`: one execution may have several rows of one scope, because their order is irrelevant
    or the last one wins.
    `is_barrier`: it touches every scope, so it must run after all changes before it, and before all
    after it.
    """

    name: str
    sql: str
    mergeable: bool = False
    is_barrier: bool = False


class Change(NamedTuple):
    """One row for a statement.

    Changes of one scope take effect in order; of one identity, only the last is needed.
    `after_scope`: another scope, whose earlier changes must take effect before this one.
    """

    statement: Statement
    scope: Hashable
    identity: Hashable
    row: dict[str, Any]
    after_scope: Hashable = None


class LogMessage(NamedTuple):
    """A message of the log as a projection reads it; its time is in nanoseconds since 1970."""

    subject: str
    data: bytes
    sequence: int
    time_nanoseconds: int


@dataclass(frozen=True)
class Projection:
    """A read model: its tables, and the function from a message to changes.

    Each version has a Postgres schema of its own.
    `subjects`: the subjects that it reads; `{partition}` in them is replaced by a number.
    `partitioned`: each partition of the stream is projected separately, with its own checkpoint.
    `decode`: makes of a message what `evolve` takes, or None if it changes nothing; without it,
    `evolve` takes the message. Those with the same function can share what it returns.
    """

    name: str
    version: int
    stream: str
    subjects: tuple[str, ...]
    schema: str
    evolve: Callable[[Any], Iterator[Change]]
    partitioned: bool = False
    decode: Callable[[Any], Any] | None = None

    def changes_of(self, message: Any) -> Iterator[Change]:
        """Yield the changes of a message."""
        decoded = self.decode(message) if self.decode else message
        return iter(()) if decoded is None else self.evolve(decoded)


Step = tuple[Statement, list[dict[str, Any]]]


def steps(changes: Iterable[Change]) -> list[Step]:
    """Gather changes into as few executions as possible, keeping the order within each scope."""
    executions: list[tuple[Statement, dict[Hashable, dict[str, Any]]]] = []
    last_of_scope: dict[Hashable, int] = {}
    after_barrier = 0
    for change in changes:
        first = max(
            _first_allowed(change.statement, last_of_scope.get(change.scope, -1)),
            last_of_scope.get(change.after_scope, -1) + 1,
            after_barrier,
        )
        if change.statement.is_barrier:
            # Adjacent barriers of one statement share an execution, unless their scope is the same.
            shares_last = bool(executions) and executions[-1][0] is change.statement
            first = max(last_of_scope.get(change.scope, -1) + 1, len(executions) - shares_last)
            after_barrier = first + 1
        index = _execution_index(executions, change.statement, first)
        last_of_scope[change.scope] = index
        executions[index][1][change.identity] = change.row
    return [(statement, list(rows.values())) for statement, rows in executions]


def _first_allowed(statement: Statement, last: int) -> int:
    return last if statement.mergeable and last >= 0 else last + 1


def _execution_index(
    executions: list[tuple[Statement, dict[Hashable, dict[str, Any]]]],
    statement: Statement,
    first: int,
) -> int:
    for index in range(first, len(executions)):
        if executions[index][0] is statement:
            return index
    executions.append((statement, {}))
    return len(executions) - 1
