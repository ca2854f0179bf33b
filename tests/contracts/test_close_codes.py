"""Close reasons: JSON that fits into a close frame, whatever the words are."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.close_codes import (
    REASON_LIMIT_BYTES,
    CloseReason,
    decode_reason,
    encode_reason,
)

numbers = st.none() | st.integers(0, 10**6)


@given(st.text(max_size=300), numbers, numbers)
def test_a_reason_fits_into_a_close_frame_and_keeps_its_fields(
    message: str, seconds: int | None, partition: int | None
) -> None:
    text = encode_reason(CloseReason(message, seconds, partition))
    assert len(text.encode()) <= REASON_LIMIT_BYTES
    decoded = decode_reason(text)
    assert message.startswith(decoded.message)
    assert (decoded.retry_after_seconds, decoded.partition) == (seconds, partition)


def test_words_that_fit_are_kept_whole() -> None:
    reason = CloseReason("at most 600 connects in 60 seconds; come back in 7 s", 7)
    assert msgspec.json.decode(encode_reason(reason)) == {
        "message": reason.message,
        "retry_after_seconds": 7,
    }


def test_a_reason_of_an_older_edge_becomes_the_message() -> None:
    assert decode_reason("come back in 7 s") == CloseReason("come back in 7 s")
    assert decode_reason("") == CloseReason("")
