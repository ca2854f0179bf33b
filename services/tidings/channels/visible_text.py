"""Visible text: what people wrote, without characters that change how all else is read; pure."""

from __future__ import annotations

import re

from tidings.contracts.page_addresses import safe_address

_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, orders that turn the direction of writing around, and what UTF-8 has not."""
_LINE_BREAK = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """Return a text of one or more lines, which end in `\\n`."""
    return _INVISIBLE.sub("", _LINE_BREAK.sub("\n", text)).strip("\n")


def clean_line(text: str) -> str:
    """Return a text in one line, with single blanks."""
    return _BLANKS.sub(" ", clean_text(text)).strip()


def clean_link(address: str | None) -> str | None:
    """Return an address by http or https, None for any other text."""
    found = safe_address(address)
    return found if found and found.startswith(("http://", "https://")) else None
