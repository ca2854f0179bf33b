"""Revocations: tokens issued before one are refused, later ones accepted, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import Identity
from tidings.runtime.auth.revocation import Revocations

LIFETIME_SECONDS = 100.0
ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


def make_identity(person: Person, issued_at: float, session: str | None = None) -> Identity:
    return Identity(person, frozenset(), issued_at + LIFETIME_SECONDS, issued_at, session)


@pytest.mark.parametrize(
    ("revoked_session", "identity", "is_revoked"),
    [
        (None, make_identity(ALICE, 10), True),
        (None, make_identity(ALICE, 10, "s"), True),
        (None, make_identity(ALICE, 10.5), False),
        (None, make_identity(BOB, 9), False),
        (None, make_identity(Person("umbrella", "alice"), 9), False),
        ("s", make_identity(ALICE, 10, "s"), True),
        ("s", make_identity(ALICE, 9, "other"), False),
        ("s", make_identity(ALICE, 9), False),
        ("s", make_identity(BOB, 9, "s"), False),
        ("s", make_identity(ALICE, 11, "s"), False),
    ],
)
def test_a_revocation_applies_to_tokens_issued_up_to_it(
    revoked_session: str | None, identity: Identity, is_revoked: bool
) -> None:
    revocations = Revocations(LIFETIME_SECONDS)

    revocations.add_revocation(ALICE, revoked_session, 10)

    assert revocations.is_revoked(identity) is is_revoked


def test_a_revocation_that_affects_no_valid_token_is_forgotten() -> None:
    revocations = Revocations(LIFETIME_SECONDS)

    for second in range(1000):
        revocations.add_revocation(Person("acme", f"user-{second}"), None, second)

    assert len(revocations) == LIFETIME_SECONDS + 1


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from([None, "s", "t"])),
        max_size=60,
    ),
    st.integers(1, 8),
)
def test_a_limit_never_accepts_a_revoked_token(
    entries: list[tuple[str, str, str | None]], limit: int
) -> None:
    revocations, unlimited = Revocations(1000, limit), Revocations(1000)

    for at, (tenant, user, session) in enumerate(entries, 1):
        revocations.add_revocation(Person(tenant, user), session, at)
        unlimited.add_revocation(Person(tenant, user), session, at)

    assert len(revocations) <= limit
    for tenant, user, session in entries:
        for issued_at in range(len(entries) + 2):
            identity = make_identity(Person(tenant, user), issued_at, session)
            assert revocations.is_revoked(identity) or not unlimited.is_revoked(identity)
        assert not revocations.is_revoked(
            make_identity(Person(tenant, user), len(entries) + 1, session)
        )


def test_the_tenant_with_the_most_revocations_is_evicted_first() -> None:
    revocations = Revocations(1e9, limit=1000)
    revocations.add_revocation(Person("quiet", "alice"), None, 1)

    for at in range(2, 5000):
        revocations.add_revocation(Person("loud", f"user-{at}"), None, at)

    assert len(revocations) == 1000
    assert not revocations.is_revoked(make_identity(Person("quiet", "bob"), 1))
    assert revocations.is_revoked(make_identity(Person("quiet", "alice"), 1))
    assert revocations.is_revoked(make_identity(Person("loud", "nobody"), 3000))
