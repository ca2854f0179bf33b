"""Sealed values: only the same secret and purpose open a token, and only unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.runtime.sealed import InvalidSeal, Seal
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens, Unsubscription

SECRET = "s" * 32
CONTENT = Unsubscription("acme", "alice", "task", "email", "00000000-0000-4000-8000-000000000001")


def test_a_token_opens_to_what_was_sealed() -> None:
    token = UnsubscribeTokens(SECRET).issue_token(CONTENT)

    assert UnsubscribeTokens(SECRET).open_token(token) == CONTENT
    assert "alice" not in token


@pytest.mark.parametrize(
    "opener",
    [
        Seal("t" * 32, b"one", Unsubscription),
        Seal(SECRET, b"two", Unsubscription),
        Seal(SECRET, b"one", int),
    ],
    ids=["another secret", "another purpose", "another type"],
)
def test_nothing_else_opens_it(opener: Seal[object]) -> None:
    token = Seal(SECRET, b"one", Unsubscription).seal_value(CONTENT, now=0)

    with pytest.raises(InvalidSeal):
        opener.open_token(token)


@given(st.text(max_size=300) | st.text(alphabet="é\0 \n=", min_size=1) | st.just("x" * 5000))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(InvalidSeal):
        UnsubscribeTokens(SECRET).open_token(text)


@given(st.data())
def test_a_changed_token_is_not_valid(data: st.DataObject) -> None:
    token = UnsubscribeTokens(SECRET).issue_token(CONTENT)
    place = data.draw(st.integers(0, len(token) - 4))  # the last bits of padding carry nothing
    changed = data.draw(st.sampled_from("ABCDabcd0123-_").filter(lambda c: c != token[place]))

    with pytest.raises(InvalidSeal):
        UnsubscribeTokens(SECRET).open_token(token[:place] + changed + token[place + 1 :])


def test_a_token_is_valid_until_its_time_is_over() -> None:
    seal = Seal(SECRET, b"one", str)
    token = seal.seal_value("x", now=1000)

    assert seal.open_token(token, ttl_seconds=30, now=1030) == "x"
    with pytest.raises(InvalidSeal):
        seal.open_token(token, ttl_seconds=30, now=1031)
