"""The tokens of links open what they were made for, and nothing of anybody else."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.runtime.confirmation_tokens import (
    LIFETIME_SECONDS,
    AddressClaim,
    ConfirmationTokens,
    InvalidSeal,
)
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens, Unsubscription

OURS, THEIRS = "o" * 32, "t" * 32
NOW = 1_800_000_000
ALPHABET = string.ascii_letters + string.digits + "-_"

ids = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs")), min_size=1, max_size=20)
unsubscriptions = st.builds(
    Unsubscription,
    tenant=ids,
    user=ids,
    category=ids,
    channel=st.sampled_from(("email", "webhook", "chat")),
    delivery=st.uuids().map(str),
)
claims = st.builds(
    AddressClaim,
    tenant=ids,
    user=ids,
    address_id=ids,
    channel=st.sampled_from(("email", "webhook", "chat")),
    address=st.emails(),
)


@given(content=unsubscriptions, claim=claims)
def test_a_token_opens_its_own_content_for_its_own_purpose_only(
    content: Unsubscription, claim: AddressClaim
) -> None:
    unsubscribing, confirming = UnsubscribeTokens(OURS), ConfirmationTokens(OURS)
    token, other = unsubscribing.issue_token(content), confirming.issue_token(claim, NOW)

    assert unsubscribing.open_token(token) == content
    assert confirming.open_token(other, NOW) == claim
    with pytest.raises(InvalidSeal):
        unsubscribing.open_token(other)
    with pytest.raises(InvalidSeal):
        confirming.open_token(token, NOW)
    with pytest.raises(InvalidSeal):
        UnsubscribeTokens(THEIRS).open_token(token)
    with pytest.raises(InvalidSeal):
        ConfirmationTokens(THEIRS).open_token(other, NOW)


@given(
    content=unsubscriptions,
    place=st.floats(0, 1, exclude_max=True),
    letter=st.sampled_from(ALPHABET),
)
def test_no_other_text_opens_anything_else(
    content: Unsubscription, place: float, letter: str
) -> None:
    tokens = UnsubscribeTokens(OURS)
    token = tokens.issue_token(content)
    index = int(place * len(token.rstrip("=")))
    forged = token[:index] + letter + token[index + 1 :]

    try:
        opened = tokens.open_token(forged)
    except InvalidSeal:
        return

    # The last letter before the padding has bits that mean nothing.
    assert opened == content


@given(claim=claims)
def test_a_confirming_link_ends(claim: AddressClaim) -> None:
    tokens = ConfirmationTokens(OURS)
    token = tokens.issue_token(claim, NOW)

    assert tokens.open_token(token, NOW + LIFETIME_SECONDS) == claim
    with pytest.raises(InvalidSeal):
        tokens.open_token(token, NOW + LIFETIME_SECONDS + 1)
