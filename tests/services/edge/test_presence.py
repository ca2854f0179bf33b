"""Presence between edges: each knows the others' users, whatever gossip is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.gossip import Delta, Goodbye, PresenceSnapshot
from tidings.contracts.subjects import Person
from tidings.edge.presence.local import GOSSIP_LIMIT_PEOPLE, RECONNECT_GRACE_SECONDS, LocalPresence
from tidings.edge.presence.remote import RemotePresence

TTL_SECONDS = 15.0
PEOPLE = [Person(tenant, user) for tenant in ("acme", "umbrella") for user in ("ann", "bob", "cho")]


class SilentConnection:
    """A connection that must not be sent anything."""

    id = "connection"

    def send_droppable(self, frame: Any) -> bool:
        """Fail: no test sends anything."""
        raise AssertionError(frame)


CONNECTION = SilentConnection()


def online_people(remote: RemotePresence) -> set[Person]:
    return {person for person in PEOPLE if person in remote}


def edge_with(edge: str, *people: Person) -> LocalPresence:
    """Return an edge with these users, already announced."""
    local = LocalPresence(edge)
    for person in people:
        local.add_connection(person, CONNECTION)
    local.take_changes(0)
    return local


def apply_all(
    remote: RemotePresence, gossip: Iterable[Delta | PresenceSnapshot], now: float = 0.0
) -> None:
    for message in gossip:
        remote.apply_gossip(message, now)


STEPS = st.tuples(
    st.sampled_from(["join", "leave"]), st.integers(0, 1), st.sampled_from(PEOPLE), st.booleans()
)


@given(st.lists(STEPS, max_size=60))
def test_after_losses_the_next_gossip_shows_the_gap_and_a_snapshot_repairs_it(
    steps: list[Any],
) -> None:
    edges, remote, now = (
        [LocalPresence("one"), LocalPresence("two")],
        RemotePresence(TTL_SECONDS),
        0.0,
    )
    connections: list[list[Person]] = [[], []]
    for kind, index, person, is_lost in steps:
        now += RECONNECT_GRACE_SECONDS
        if kind == "join":
            edges[index].add_connection(person, CONNECTION)
            connections[index].append(person)
        elif person in connections[index]:
            edges[index].remove_connection(person, CONNECTION, now - RECONNECT_GRACE_SECONDS)
            connections[index].remove(person)
        _, deltas = edges[index].take_changes(now)
        apply_all(remote, () if is_lost else deltas, now)

    for edge in edges:
        apply_all(remote, edge.take_changes(now)[1] or [edge.keepalive()], now)
        if edge.edge in remote.outdated_edges:
            apply_all(remote, edge.snapshot_parts(), now)

    assert online_people(remote) == {*connections[0], *connections[1]}
    counts = Counter[Person]()
    for person, count in remote.connection_counts(now):
        counts[person] += count
    assert counts == Counter([*connections[0], *connections[1]])
    assert not remote.outdated_edges


def test_nothing_is_missed_when_nothing_is_lost() -> None:
    remote, edge = RemotePresence(TTL_SECONDS), LocalPresence("one")
    for person in PEOPLE:
        edge.add_connection(person, CONNECTION)
        apply_all(remote, edge.take_changes(0)[1])
        apply_all(remote, [edge.keepalive()])

    assert online_people(remote) == set(PEOPLE)
    assert not remote.outdated_edges


def test_a_user_who_reconnects_within_the_grace_period_stays_online() -> None:
    edge = edge_with("one", PEOPLE[0])

    edge.remove_connection(PEOPLE[0], CONNECTION, 10.0)
    meanwhile, deltas = edge.take_changes(10.0 + RECONNECT_GRACE_SECONDS / 2)
    edge.add_connection(PEOPLE[0], CONNECTION)
    after, later = edge.take_changes(20.0)

    assert (meanwhile, deltas, after, later) == (set(), [], set(), [])
    assert PEOPLE[0] in edge


def test_a_user_who_closes_the_last_tab_is_offline_after_the_grace_period() -> None:
    remote, edge = RemotePresence(TTL_SECONDS), LocalPresence("one")
    edge.add_connection(PEOPLE[0], CONNECTION)
    edge.add_connection(PEOPLE[0], CONNECTION)
    apply_all(remote, edge.take_changes(0)[1])

    edge.remove_connection(PEOPLE[0], CONNECTION, 1.0)
    apply_all(remote, edge.take_changes(10.0)[1])
    assert online_people(remote) == {PEOPLE[0]}

    edge.remove_connection(PEOPLE[0], CONNECTION, 10.0)
    apply_all(remote, edge.take_changes(10.0 + RECONNECT_GRACE_SECONDS)[1])
    assert online_people(remote) == set()


def test_the_users_of_a_silent_edge_are_online_until_its_ttl_ends() -> None:
    remote = RemotePresence(TTL_SECONDS)
    apply_all(remote, edge_with("one", PEOPLE[0]).snapshot_parts(), 100.0)
    apply_all(remote, edge_with("two", PEOPLE[0], PEOPLE[1]).snapshot_parts(), 105.0)

    assert remote.take_changes(100.0 + TTL_SECONDS - 0.1) == {PEOPLE[0], PEOPLE[1]}
    assert remote.take_changes(100.0 + TTL_SECONDS) == {PEOPLE[0]}
    assert online_people(remote) == {PEOPLE[0], PEOPLE[1]}
    assert remote.take_changes(105.0 + TTL_SECONDS) == {PEOPLE[0], PEOPLE[1]}
    assert online_people(remote) == set()


def test_the_connections_of_a_silent_edge_are_counted_until_its_ttl_ends() -> None:
    remote, edge = RemotePresence(TTL_SECONDS), edge_with("one", PEOPLE[0], PEOPLE[0], PEOPLE[1])
    apply_all(remote, edge.snapshot_parts(), 100.0)

    before_end = 100.0 + TTL_SECONDS - 0.1
    assert dict(remote.connection_counts(before_end)) == {PEOPLE[0]: 2, PEOPLE[1]: 1}
    assert list(remote.connection_counts(100.0 + TTL_SECONDS)) == []


def test_an_edge_that_returns_is_asked_for_a_snapshot() -> None:
    remote, edge = RemotePresence(TTL_SECONDS), edge_with("one", PEOPLE[0])
    apply_all(remote, edge.snapshot_parts())
    remote.take_changes(TTL_SECONDS)

    apply_all(remote, [edge.keepalive()], TTL_SECONDS + 1)

    assert remote.outdated_edges == {"one"}
    apply_all(remote, edge.snapshot_parts(), TTL_SECONDS + 1)
    assert online_people(remote) == {PEOPLE[0]}


def test_the_users_of_a_stopping_edge_are_offline_at_once() -> None:
    remote = RemotePresence(TTL_SECONDS)
    apply_all(remote, edge_with("one", PEOPLE[0], PEOPLE[1]).snapshot_parts())
    apply_all(remote, edge_with("two", PEOPLE[1]).snapshot_parts())

    remote.forget_edge(Goodbye(edge="one"))

    assert online_people(remote) == {PEOPLE[1]}
    assert remote.take_changes(0) == {PEOPLE[0], PEOPLE[1]}


def test_a_snapshot_in_parts_is_applied_when_it_is_complete() -> None:
    people = [Person("acme", f"user-{number}") for number in range(2 * GOSSIP_LIMIT_PEOPLE + 1)]
    edge, remote = edge_with("one", *people), RemotePresence(TTL_SECONDS)
    parts = list(edge.snapshot_parts())

    apply_all(remote, parts[1:])
    assert not any(person in remote for person in people)
    apply_all(remote, parts)

    assert len(parts) == 3
    assert all(person in remote for person in people)
    second_edge = LocalPresence("two")
    for person in people:
        second_edge.add_connection(person, CONNECTION)
    assert [sum(map(len, delta.joined.values())) for delta in second_edge.take_changes(0)[1]] == [
        GOSSIP_LIMIT_PEOPLE,
        GOSSIP_LIMIT_PEOPLE,
        1,
    ]
