"""Precedence of preferences: the word that decides, against a model that asks in order."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from tidings.domains.preferences.forms import Scope, parse_scope
from tidings.projections.preferences.settings import Preference
from tidings.projections.preferences.values import PreferenceValue
from tidings.projections.preferences.wanted import DEFAULT_ROW, Facts, Wanted, wanted

FACTS = Facts("task.assigned", "task", "task:1", "room:9")
SPECIFIC_FIRST = ("entity:task:1", "group:room:9", "type:task.assigned", "category:task", "all")
OTHERS = ("entity:task:2", "group:room:8", "type:task.completed", "category:project")


def preference(
    event: int,
    of: str,
    channel: str | None = None,
    how: str = "never",
    *,
    of_tenant: bool = False,
    required: bool = False,
) -> Preference:
    scope = parse_scope(of)
    assert isinstance(scope, Scope)
    value = PreferenceValue(of=of, channel=channel, how=how, required=required)  # type: ignore[arg-type]
    return Preference(of_tenant, scope, event, value)


@st.composite
def preference_lists(draw: st.DrawFn) -> list[Preference]:
    rows = st.tuples(
        st.sampled_from((*SPECIFIC_FIRST, *OTHERS)),
        st.sampled_from([None, "email", "push"]),
        st.sampled_from(["now", "unread", "digest", "never"]),
        st.booleans(),
        st.booleans(),
    )
    return draw(
        st.permutations(
            [
                preference(event, of, channel, how, of_tenant=of_tenant, required=required)
                for event, (of, channel, how, of_tenant, required) in enumerate(
                    draw(st.lists(rows, max_size=12)), start=1
                )
            ]
        )
    )


def ask_in_order(preferences: Iterable[Preference]) -> Preference | None:
    """Return the deciding preference: ask for each kind of word in turn, the strongest first."""
    rows = list(preferences)
    for words in (
        [row for row in rows if row.of_tenant and row.value.required],
        [row for row in rows if not row.of_tenant],
        [row for row in rows if row.of_tenant],
    ):
        for of in SPECIFIC_FIRST:
            for channel in ("email", None):
                found = [row for row in words if (row.value.of, row.value.channel) == (of, channel)]
                if found:
                    return max(found, key=lambda row: row.event)
    return None


@given(preference_lists())
def test_the_word_that_decides_is_that_of_the_model(preferences: list[Preference]) -> None:
    expected = ask_in_order(preferences)

    result = wanted(preferences, FACTS, "email")

    assert (result.event, result.how, result.row) == (
        (expected.event, expected.value.how, expected.row)
        if expected
        else (None, None, DEFAULT_ROW)
    )
    assert result.locked == bool(expected and expected.of_tenant and expected.value.required)


def test_nothing_but_incidents_and_everything_but_this_task_both_work() -> None:
    only = [preference(1, "all"), preference(2, "category:incident", how="now")]
    but = [preference(3, "entity:task:1")]

    assert wanted(only, Facts("incident.created", "incident"), "email").how == "now"
    assert wanted(only, FACTS, "email").how == "never"
    assert wanted(but, FACTS, "email") == Wanted(
        how="never", row="user entity:task:1 * never", event=3
    )
    assert wanted(but, FACTS._replace(entity="task:2"), "email").how is None
