"""Revocations: what was issued before counts no longer, what is issued after does, and memory has an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.subjects import Person
from tidings.runtime.auth import Identity
from tidings.runtime.revocation import Revocations

LIFETIME_SECONDS = 100.0
ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


def token(person: Person, issued: float, session: str | None = None) -> Identity:
    return Identity(person, frozenset(), issued + LIFETIME_SECONDS, issued, session)


@pytest.mark.parametrize(
    ("revoked", "shown", "concerned"),
    [
        (None, token(ALICE, 10), True),
        (None, token(ALICE, 10, "s"), True),
        (None, token(ALICE, 10.5), False),
        (None, token(BOB, 9), False),
        (None, token(Person("umbrella", "alice"), 9), False),
        ("s", token(ALICE, 10, "s"), True),
        ("s", token(ALICE, 9, "other"), False),
        ("s", token(ALICE, 9), False),
        ("s", token(BOB, 9, "s"), False),
        ("s", token(ALICE, 11, "s"), False),
    ],
)
def test_a_revocation_concerns_what_was_issued_up_to_it(
    revoked: str | None, shown: Identity, concerned: bool
) -> None:
    revocations = Revocations(LIFETIME_SECONDS)

    revocations.add(ALICE, revoked, 10)

    assert revocations.concern(shown) is concerned


def test_what_no_living_token_can_be_concerned_by_is_forgotten() -> None:
    revocations = Revocations(LIFETIME_SECONDS)

    for second in range(1000):
        revocations.add(Person("acme", f"user-{second}"), None, second)

    assert len(revocations) == LIFETIME_SECONDS + 1


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from([None, "s", "t"])),
        max_size=60,
    ),
    st.integers(1, 8),
)
def test_however_few_are_kept_no_revoked_token_ever_counts(
    added: list[tuple[str, str, str | None]], limit: int
) -> None:
    revocations, everything = Revocations(1000, limit), Revocations(1000)

    for at, (tenant, user, session) in enumerate(added, 1):
        revocations.add(Person(tenant, user), session, at)
        everything.add(Person(tenant, user), session, at)

    assert len(revocations) <= limit
    for tenant, user, session in added:
        for issued in range(len(added) + 2):
            shown = token(Person(tenant, user), issued, session)
            assert revocations.concern(shown) or not everything.concern(shown)
        assert not revocations.concern(token(Person(tenant, user), len(added) + 1, session))


def test_a_tenant_that_revokes_without_end_is_the_one_that_pays_for_it() -> None:
    revocations = Revocations(1e9, limit=1000)
    revocations.add(Person("quiet", "alice"), None, 1)

    for at in range(2, 5000):
        revocations.add(Person("loud", f"user-{at}"), None, at)

    assert len(revocations) == 1000
    assert not revocations.concern(token(Person("quiet", "bob"), 1))
    assert revocations.concern(token(Person("quiet", "alice"), 1))
    assert revocations.concern(token(Person("loud", "nobody"), 3000))
