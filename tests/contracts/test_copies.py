"""Copies: an event that would be written in too many large copies is refused, with the way out."""

from __future__ import annotations

from typing import Any

import pytest
from tidings.contracts.codec import encode
from tidings.contracts.copies import COPIES_LIMIT_BYTES, SMALL_COPY_BYTES, copies_limit
from tidings.contracts.messages import OversizedEvent, accept_event

LARGE_TEXT_BYTES = 100_000


def announcement(users: int, text_bytes: int, **to: Any) -> bytes:
    """Return an announcement to as many users."""
    names = [f"u{number}" for number in range(users)]
    data = {"title": "News", "message": "x" * text_bytes, "to": {"users": names, **to}}
    return encode(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/tests",
            "type": "announcement.published",
            "tenant": "acme",
            "data": data,
        }
    )


@pytest.mark.parametrize(
    ("users", "text_bytes"),
    [(9_000, 100), (9_000, SMALL_COPY_BYTES - 100), (150, LARGE_TEXT_BYTES), (1, 120_000)],
)
def test_an_event_whose_copies_are_small_or_few_is_accepted(users: int, text_bytes: int) -> None:
    assert accept_event(announcement(users, text_bytes)).id == "1"


def test_an_event_with_too_many_large_copies_is_refused_before_anything_is_written() -> None:
    with pytest.raises(OversizedEvent) as refusal:
        accept_event(announcement(1_000, LARGE_TEXT_BYTES))

    assert refusal.value.field == "data"
    for words in ("1000 recipients", str(COPIES_LIMIT_BYTES), "one relation", "Send at most"):
        assert words in refusal.value.reason


def test_a_relation_may_get_a_large_text_because_its_members_share_a_copy() -> None:
    assert accept_event(announcement(0, LARGE_TEXT_BYTES, everyone=True)).id == "1"


def test_the_copies_of_any_size_stay_within_their_limit() -> None:
    assert copies_limit(SMALL_COPY_BYTES) is None
    for size in (SMALL_COPY_BYTES + 1, 70_000, 300_000):
        assert (limit := copies_limit(size))
        assert limit * size <= COPIES_LIMIT_BYTES
