"""Gathering changes into few executions: whatever order matters is kept, whatever may go together does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tidings.projections.projection import Change, Statement, Step, steps

PUT = Statement("put", "", joins=True)
FILL = Statement("fill", "", joins=True)
DOUBLE = Statement("double", "")
APPEND = Statement("append", "")
CLEAR = Statement("clear", "", parts=True)
STATEMENTS = (PUT, FILL, DOUBLE, APPEND, CLEAR)
SCOPES = ("alice", "bob", "carol")

Tables = dict[str, dict[str, list[int]]]


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Changes as projections make them: only those that join may share an identity, and then of one scope."""
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


def executed(gathered: Iterable[Step]) -> Tables:
    """What a database makes of them: one execution sees the tables as they were before it, and touches each row once."""
    tables: Tables = defaultdict(dict)
    for statement, rows in gathered:
        assert statement.joins or len({row["scope"] for row in rows}) == len(rows), (
            f"two rows of one scope in one {statement.name}"
        )
        for row in sorted(rows, key=lambda row: row["scope"], reverse=True):
            for scope in SCOPES if statement.parts else (row["scope"],):
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
def test_gathered_changes_do_what_they_do_one_by_one(given_changes: list[Change]) -> None:
    one_by_one = executed((change.statement, [change.row]) for change in given_changes)

    gathered = executed(steps(given_changes))

    assert gathered == one_by_one


@given(changes())
def test_no_row_is_lost_or_made_up_and_of_one_identity_only_the_last_counts(
    given_changes: list[Change],
) -> None:
    identities = {(change.statement.name, change.identity) for change in given_changes}

    rows = [(statement.name, row) for statement, rows in steps(given_changes) for row in rows]

    assert all(any(row is change.row for change in given_changes) for _, row in rows)
    assert len(identities) <= len(rows) <= len(given_changes)


def test_what_concerns_a_thousand_people_is_one_execution_of_each_kind() -> None:
    several = [(PUT, "a"), (PUT, "b"), (DOUBLE, "a"), (APPEND, "b")]
    crowd = [
        (statement, f"user {number}", key) for number in range(1000) for statement, key in several
    ]

    gathered = steps(_changes(crowd))

    assert [statement for statement, _ in gathered] == [PUT, DOUBLE, APPEND]
    assert [len(rows) for _, rows in gathered] == [2000, 1000, 1000]


def test_changes_of_one_scope_wait_for_each_other() -> None:
    acts = [
        (PUT, "alice", "a"),
        (DOUBLE, "alice", "a"),
        (PUT, "alice", "a"),
        (DOUBLE, "alice", "a"),
        (DOUBLE, "bob", "a"),
    ]

    gathered = steps(_changes(acts))

    assert [(statement.name, len(rows)) for statement, rows in gathered] == [
        ("put", 1),
        ("double", 2),
        ("put", 1),
        ("double", 1),
    ]


def test_a_change_that_is_behind_another_scope_waits_for_all_of_it_so_far() -> None:
    shared = [Change(PUT, "topic", ("topic", key), {"key": key}) for key in "ab"]
    alone = [
        Change(FILL, user, (user, number), {"key": "x"}, behind="topic")
        for number, user in enumerate(SCOPES)
    ]

    gathered = steps([alone[0], shared[0], alone[1], shared[1], alone[2]])

    assert [(statement.name, len(rows)) for statement, rows in gathered] == [
        ("fill", 1),
        ("put", 2),
        ("fill", 2),
    ]


def test_nothing_is_gathered_from_nothing() -> None:
    assert steps([]) == []
