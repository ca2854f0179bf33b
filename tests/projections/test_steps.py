"""Gathering changes into few executions keeps the order where it matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tidings.projections.projection import Change, Statement, Step, steps

PUT = Statement("put", "", mergeable=True)
FILL = Statement("fill", "", mergeable=True)
DOUBLE = Statement("double", "")
APPEND = Statement("append", "")
CLEAR = Statement("clear", "", is_barrier=True)
STATEMENTS = (PUT, FILL, DOUBLE, APPEND, CLEAR)
SCOPES = ("alice", "bob", "carol")

Tables = dict[str, dict[str, list[int]]]


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Draw changes as projections make them: only mergeable ones share an identity."""
    acts = draw(
        st.lists(
            st.tuples(st.sampled_from(STATEMENTS), st.sampled_from(SCOPES), st.sampled_from("abc")),
            max_size=40,
        )
    )
    return list(_changes(acts))


def _changes(acts: Sequence[tuple[Statement, str, str]]) -> Iterator[Change]:
    for number, (statement, scope, key) in enumerate(acts, 1):
        identity = (scope, key) if statement is PUT else number
        yield Change(statement, scope, identity, {"scope": scope, "key": key, "value": number})


def execute_steps(executions: Iterable[Step]) -> Tables:
    """Execute steps as a database does.

    An execution sees the tables as they were before it, and touches each row once.
    """
    tables: Tables = defaultdict(dict)
    for statement, rows in executions:
        assert statement.mergeable or len({row["scope"] for row in rows}) == len(rows), (
            f"two rows of one scope in one {statement.name}"
        )
        for row in sorted(rows, key=lambda row: row["scope"], reverse=True):
            for scope in SCOPES if statement.is_barrier else (row["scope"],):
                _execute(statement, row, tables[scope])
    return {scope: tables[scope] for scope in SCOPES}


def _execute(statement: Statement, row: dict[str, Any], table: dict[str, list[int]]) -> None:
    match statement.name:
        case "put":
            table[row["key"]] = [row["value"]]
        case "fill":
            table.setdefault(row["key"], [row["value"]])
        case "clear":
            table.pop(row["key"], None)
        case "double":
            table.update({key: values * 2 for key, values in table.items() if len(values) < 100})
        case _:
            table.update({key: [*values, row["value"]] for key, values in table.items()})


@given(changes())
def test_gathered_changes_have_the_effect_of_single_ones(given_changes: list[Change]) -> None:
    one_by_one = execute_steps((change.statement, [change.row]) for change in given_changes)

    executions = execute_steps(steps(given_changes))

    assert executions == one_by_one


@given(changes())
def test_no_row_is_lost_or_made_up_and_of_one_identity_only_the_last_counts(
    given_changes: list[Change],
) -> None:
    identities = {(change.statement.name, change.identity) for change in given_changes}

    rows = [(statement.name, row) for statement, rows in steps(given_changes) for row in rows]

    assert all(any(row is change.row for change in given_changes) for _, row in rows)
    assert len(identities) <= len(rows) <= len(given_changes)


def test_changes_of_a_thousand_people_are_one_execution_of_each_statement() -> None:
    several = [(PUT, "a"), (PUT, "b"), (DOUBLE, "a"), (APPEND, "b")]
    crowd = [
        (statement, f"user {number}", key) for number in range(1000) for statement, key in several
    ]

    executions = steps(_changes(crowd))

    assert [statement for statement, _ in executions] == [PUT, DOUBLE, APPEND]
    assert [len(rows) for _, rows in executions] == [2000, 1000, 1000]


def test_changes_of_one_scope_wait_for_each_other() -> None:
    acts = [
        (PUT, "alice", "a"),
        (DOUBLE, "alice", "a"),
        (PUT, "alice", "a"),
        (DOUBLE, "alice", "a"),
        (DOUBLE, "bob", "a"),
    ]

    executions = steps(_changes(acts))

    assert [(statement.name, len(rows)) for statement, rows in executions] == [
        ("put", 1),
        ("double", 2),
        ("put", 1),
        ("double", 1),
    ]


def test_a_change_that_is_behind_another_scope_waits_for_all_of_it_so_far() -> None:
    shared = [Change(PUT, "topic", ("topic", key), {"key": key}) for key in "ab"]
    alone = [
        Change(FILL, user, (user, number), {"key": "x"}, after_scope="topic")
        for number, user in enumerate(SCOPES)
    ]

    executions = steps([alone[0], shared[0], alone[1], shared[1], alone[2]])

    assert [(statement.name, len(rows)) for statement, rows in executions] == [
        ("fill", 1),
        ("put", 2),
        ("fill", 2),
    ]


def test_no_changes_need_no_execution() -> None:
    assert steps([]) == []
