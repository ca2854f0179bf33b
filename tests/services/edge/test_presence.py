"""What edges know of each other's people, whatever of their gossip is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.gossip import Changed, Ended, Whole
from tidings.contracts.subjects import Person
from tidings.edge.elsewhere import Elsewhere
from tidings.edge.here import LINGER_SECONDS, MESSAGE_PEOPLE, Here

BELIEVED_SECONDS = 15.0
PEOPLE = [Person(tenant, user) for tenant in ("acme", "umbrella") for user in ("ann", "bob", "cho")]


class Tab:
    """A connection that nobody says anything to."""

    id = "tab"

    def tell(self, page: Any) -> bool:
        """Never called."""
        raise AssertionError(page)


TAB = Tab()


def known(there: Elsewhere) -> set[Person]:
    return {person for person in PEOPLE if person in there}


def here(edge: str, *people: Person) -> Here:
    """An edge with these people, who have been told of."""
    found = Here(edge)
    for person in people:
        found.join(person, TAB)
    found.news(0)
    return found


def hear(there: Elsewhere, said: Iterable[Changed | Whole], now: float = 0.0) -> None:
    for each in said:
        there.hear(each, now)


STEPS = st.tuples(
    st.sampled_from(["join", "leave"]), st.integers(0, 1), st.sampled_from(PEOPLE), st.booleans()
)


@given(st.lists(STEPS, max_size=60))
def test_after_losses_the_next_word_shows_that_something_was_missed_and_the_whole_mends_it(
    steps: list[Any],
) -> None:
    edges, there, now = [Here("one"), Here("two")], Elsewhere(BELIEVED_SECONDS), 0.0
    connected: list[list[Person]] = [[], []]
    for kind, which, person, lost in steps:
        now += LINGER_SECONDS
        if kind == "join":
            edges[which].join(person, TAB)
            connected[which].append(person)
        elif person in connected[which]:
            edges[which].leave(person, TAB, now - LINGER_SECONDS)
            connected[which].remove(person)
        _, news = edges[which].news(now)
        hear(there, () if lost else news, now)

    for edge in edges:
        hear(there, edge.news(now)[1] or [edge.alive()], now)
        if edge.edge in there.missed:
            hear(there, edge.whole(), now)

    assert known(there) == {*connected[0], *connected[1]}
    assert not there.missed


def test_nothing_is_missed_when_nothing_is_lost() -> None:
    there, one = Elsewhere(BELIEVED_SECONDS), Here("one")
    for person in PEOPLE:
        one.join(person, TAB)
        hear(there, one.news(0)[1])
        hear(there, [one.alive()])

    assert known(there) == set(PEOPLE)
    assert not there.missed


def test_who_comes_back_within_a_moment_was_never_away() -> None:
    one = here("one", PEOPLE[0])

    one.leave(PEOPLE[0], TAB, 10.0)
    still, said = one.news(10.0 + LINGER_SECONDS / 2)
    one.join(PEOPLE[0], TAB)
    after, later = one.news(20.0)

    assert (still, said, after, later) == (set(), [], set(), [])
    assert PEOPLE[0] in one


def test_who_leaves_with_the_last_tab_is_gone_after_a_moment() -> None:
    there, one = Elsewhere(BELIEVED_SECONDS), Here("one")
    one.join(PEOPLE[0], TAB)
    one.join(PEOPLE[0], TAB)
    hear(there, one.news(0)[1])

    one.leave(PEOPLE[0], TAB, 1.0)
    hear(there, one.news(10.0)[1])
    assert known(there) == {PEOPLE[0]}

    one.leave(PEOPLE[0], TAB, 10.0)
    hear(there, one.news(10.0 + LINGER_SECONDS)[1])
    assert known(there) == set()


def test_an_edge_that_falls_silent_is_believed_for_a_while_and_no_longer() -> None:
    there = Elsewhere(BELIEVED_SECONDS)
    hear(there, here("one", PEOPLE[0]).whole(), 100.0)
    hear(there, here("two", PEOPLE[0], PEOPLE[1]).whole(), 105.0)

    assert there.news(100.0 + BELIEVED_SECONDS - 0.1) == {PEOPLE[0], PEOPLE[1]}
    assert there.news(100.0 + BELIEVED_SECONDS) == {PEOPLE[0]}
    assert known(there) == {PEOPLE[0], PEOPLE[1]}
    assert there.news(105.0 + BELIEVED_SECONDS) == {PEOPLE[0], PEOPLE[1]}
    assert known(there) == set()


def test_an_edge_that_is_heard_again_is_asked_for_the_whole() -> None:
    there, one = Elsewhere(BELIEVED_SECONDS), here("one", PEOPLE[0])
    hear(there, one.whole())
    there.news(BELIEVED_SECONDS)

    hear(there, [one.alive()], BELIEVED_SECONDS + 1)

    assert there.missed == {"one"}
    hear(there, one.whole(), BELIEVED_SECONDS + 1)
    assert known(there) == {PEOPLE[0]}


def test_an_edge_that_stops_takes_its_people_along_at_once() -> None:
    there = Elsewhere(BELIEVED_SECONDS)
    hear(there, here("one", PEOPLE[0], PEOPLE[1]).whole())
    hear(there, here("two", PEOPLE[1]).whole())

    there.ended(Ended(edge="one"))

    assert known(there) == {PEOPLE[1]}
    assert there.news(0) == {PEOPLE[0], PEOPLE[1]}


def test_many_people_are_told_of_in_parts_that_count_only_together() -> None:
    people = [Person("acme", f"user-{number}") for number in range(2 * MESSAGE_PEOPLE + 1)]
    one, there = here("one", *people), Elsewhere(BELIEVED_SECONDS)
    parts = list(one.whole())

    hear(there, parts[1:])
    assert not any(person in there for person in people)
    hear(there, parts)

    assert len(parts) == 3
    assert all(person in there for person in people)
    joined = Here("two")
    for person in people:
        joined.join(person, TAB)
    assert [sum(map(len, each.joined.values())) for each in joined.news(0)[1]] == [
        MESSAGE_PEOPLE,
        MESSAGE_PEOPLE,
        1,
    ]
