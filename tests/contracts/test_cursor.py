"""A cursor is opaque to clients: a sent one is accepted, any other text is refused with advice."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor, InvalidCursor, epoch_of
from tidings.contracts.frames import Ack

EPOCHS = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
SEQUENCES = st.integers(0, 2**63 - 1)


@given(EPOCHS, SEQUENCES)
def test_a_cursor_that_was_sent_is_taken_back(of: str, sequence: int) -> None:
    cursor = Cursor(of, sequence)

    text = str(cursor)

    assert text == f"{of}-{sequence}"
    assert Cursor.parse(text) == cursor
    assert msgspec.json.decode(encode({"cursor": text}), type=Ack).cursor == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-",
            "42",
            "0123abcd",
            "0123abcd-",
            "-42",
            "0123abcd-x",
            "0123abcd--1",
            "0123abcd-+1",
            "0123abcd-1.0",
        ),
        *(
            "0123abcd-01",
            "0123abcd-1\n",
            " 0123abcd-1",
            "0123ABCD-1",
            "0123abc-1",
            "0123abcde-1",
            "0123abcg-1",
            "0123abcd-٤",
        ),
        *("0123abcd-99999999999999999999", "0123abcd-1-2", "0123abcd_1", "null"),
    ],
)
def test_an_invalid_cursor_is_refused_with_advice(text: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        Cursor.parse(text)

    assert (
        str(refused.value)
        == "A cursor is `<epoch>-<sequence>`, as sent by the server; leave it out to start afresh."
    )


@given(st.text())
def test_no_text_at_all_breaks_the_reading_of_cursors(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except InvalidCursor:
        return

    assert str(cursor) == text


def test_an_epoch_names_one_incarnation_of_a_stream() -> None:
    first, again, second = (epoch_of(f"2026-01-02T03:04:05.67890123{digit}Z") for digit in "445")

    assert first == again == "759ad92f"
    assert second != first
    assert Cursor.parse(f"{first}-1").epoch == first
