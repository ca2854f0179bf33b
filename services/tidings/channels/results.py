"""Results: what an attempt to send came to, the same for every channel."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct
from tidings.contracts.deliveries import REPLY_LIMIT_CHARACTERS
from tidings.contracts.graphemes import cut_text

SuppressReason = Literal["bounced", "gone", "failing"]
FailReason = Literal["refused", "gone", "invalid"]
"""The other side refuses for good, the address no longer exists, or it cannot be sent at all."""

ADDRESS_MARK = "<address>"
SHORTEST_NAME_CHARACTERS = 3
_ADDRESS = re.compile(r"<?[^\s<>()\[\]\"',;:=]+@[^\s<>()\[\]\"',;]+>?")
_UNPRINTABLE = re.compile(
    r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


class Sent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The other side has taken it."""

    code: str
    reply: str = ""


class Deferred(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It was not taken, and may be later; repeating it is safe.

    `after_seconds`: the other side said when, which costs no attempt; else the table decides.
    """

    code: str
    reply: str = ""
    after_seconds: float | None = None


class Failed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It was refused for good. `suppress`: nothing may be sent to this address any more."""

    reason: FailReason
    code: str
    reply: str = ""
    suppress: SuppressReason | None = None


class Doubtful(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer was lost after all was sent: it may have been taken or not."""

    code: str
    reply: str = ""


class LanePaused(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nothing can be sent on this channel until an operator changes something; nothing was sent."""

    code: str
    reply: str = ""


SendResult = Sent | Deferred | Failed | Doubtful | LanePaused


def scrub_reply(reply: str, address: str = "") -> str:
    """Return what the other side answered in one line, cut, without addresses and control
    characters.

    `address`: the recipient's, whose part before the `@` is removed too.
    """
    text = _UNPRINTABLE.sub(" ", reply).strip()
    text = _ADDRESS.sub(ADDRESS_MARK, text)
    name = address.rpartition("@")[0]
    if len(name) >= SHORTEST_NAME_CHARACTERS:
        text = re.sub(rf"(?i)(?<!\w){re.escape(name)}(?!\w)", ADDRESS_MARK, text)
    return cut_text(text, REPLY_LIMIT_CHARACTERS)


def answer_text(code: str | None, reply: str | None) -> str:
    """Return code and reply in one line; the part of a code that the reply repeats stands once."""
    words = (reply or "").split(" ", 1)
    is_repeated = bool(code) and words[0] == str(code).rpartition(" ")[2]
    return " ".join(filter(None, (code, *(words[1:] if is_repeated else words))))
