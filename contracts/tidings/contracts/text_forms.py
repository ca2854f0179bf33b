"""The forms of texts about people, and the names that a wrong one is near to.

They are demanded of new events only: older logs have any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple

from tidings.contracts.times import available_timezones

NEAR_LIMIT_NAMES = 3


class TextForm(NamedTuple):
    """A pattern that a text must match, up to so many characters, and the demand in words."""

    pattern: str
    limit_characters: int
    reason: str

    def fits(self, text: str) -> bool:
        """Return whether a text has this form."""
        return len(text) <= self.limit_characters and bool(re.match(self.pattern, text))

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the form as JSON Schema."""
        return {"minLength": 1, "maxLength": self.limit_characters, "pattern": self.pattern}


PERSON_NAME = TextForm(
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z",
    256,
    "must be a name of 1 to 256 characters without control characters",
)
EMAIL_ADDRESS = TextForm(
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z",
    254,
    "must be an email address, such as amira@example.org",
)
"""What browsers take in `<input type=email>` (WHATWG HTML, section 4.10.5.1.5)."""
LOCALE_NAME = TextForm(
    r"^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}(?:\.[A-Za-z0-9_-]{1,16})?\Z",
    64,
    "must be a language tag, such as de or pt-BR",
)
TIMEZONE_NAME = TextForm(
    r"^[A-Za-z][A-Za-z0-9_+-]{1,31}(?:/[A-Za-z0-9_+-]{1,32}){0,2}\Z",
    98,
    "must be the name of a time zone, such as Europe/Berlin",
)


def near_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that a text may be a misspelling of, the nearest first."""
    return get_close_matches(text, sorted(names), n=NEAR_LIMIT_NAMES)


def unknown_name(kind: str, names: Iterable[str], text: str) -> str:
    """Return why a text is none of the names of a kind, with the nearest ones, else with all."""
    known = sorted(names)
    near = near_names(text, known)
    hint = f"did you mean {', '.join(near)}?" if near else f"known ones: {', '.join(known)}"
    return f"`{text}` is not {kind}; {hint}"


@lru_cache(maxsize=1024)
def timezone_fault(name: str) -> str | None:
    """Return why a name is not a time zone that exists, with the nearest ones; None if it is."""
    zones = available_timezones()
    if name in zones:
        return None
    near = near_names(name, zones)
    hint = f"; did you mean {', '.join(near)}?" if near else ", such as Europe/Berlin"
    return f"is not a time zone of IANA's database{hint}"
