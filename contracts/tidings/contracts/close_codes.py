"""The codes with which an edge closes a WebSocket (RFC 6455, section 7.4), with advice for clients.

4000 to 4499: reconnect with the cursor; after 4001 to 4003 only with another token. 4500 and above:
do not reconnect.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
from msgspec import Struct

FIRST_FINAL_CODE = 4500
"""From this code on, a client does not reconnect."""
REASON_LIMIT_BYTES = 123
"""What a close frame has room for beside its code (RFC 6455, section 5.5)."""


class CloseCode(IntEnum):
    """A close code; `advice` is what the client should do."""

    advice: str

    def __new__(cls, value: int, advice: str) -> CloseCode:
        """Return a code with its advice."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.advice = advice
        return code

    NO_TOKEN = 4001, "send a token, then reconnect"
    TOKEN_OVER = 4002, "the token is expired or invalid: get another one, then reconnect"
    MISSING_CLAIMS = 4003, "the token lacks a claim or scope: get one that has it, then reconnect"
    LIFETIME_OVER = 4100, "reconnect at once"
    DRAINING = 4101, "this edge stops: reconnect at once, another one answers"
    UNAVAILABLE = 4102, "the log cannot be read now: reconnect after a growing pause"
    TOO_SLOW = 4103, "the client read nothing for too long: reconnect when it can read again"
    TOO_MANY = 4104, "too many connections: close one, or reconnect after a growing pause"
    TOO_FAST = (
        4105,
        "too many requests: reconnect after the `retry_after_seconds` of the reason",
    )
    ELSEWHERE = (
        4106,
        "another edge serves this user: reconnect with the `partition` of the reason",
    )
    BAD_FRAME = 4500, "malformed frame: do not reconnect"

    @property
    def should_reconnect(self) -> bool:
        """Return whether a client should reconnect without help."""
        return self.value < FIRST_FINAL_CODE

    @property
    def needs_token(self) -> bool:
        """Return whether reconnecting helps only with another token."""
        return self in (CloseCode.NO_TOKEN, CloseCode.TOKEN_OVER, CloseCode.MISSING_CLAIMS)

    @property
    def is_planned(self) -> bool:
        """Return whether the edge closed on purpose and expects the client back at once."""
        return self in (
            CloseCode.LIFETIME_OVER,
            CloseCode.DRAINING,
            CloseCode.TOO_SLOW,
            CloseCode.ELSEWHERE,
        )


class CloseReason(Struct, frozen=True, omit_defaults=True):
    """Why a connection ends: words for people, and as fields what a program needs.

    `retry_after_seconds` goes with 4105, `partition` with 4106.
    """

    message: str
    retry_after_seconds: int | None = None
    partition: int | None = None


def encode_reason(reason: CloseReason) -> str:
    """Encode a reason as JSON of at most 123 bytes; words that do not fit are cut."""
    encoded = msgspec.json.encode(reason)
    message = reason.message
    while len(encoded) > REASON_LIMIT_BYTES:
        # What a character takes depends on its escapes, so the excess in bytes is only a start.
        excess = max(1, (len(encoded) - REASON_LIMIT_BYTES) // 4)
        message = message[:-excess]
        encoded = msgspec.json.encode(msgspec.structs.replace(reason, message=message))
    return encoded.decode()


def decode_reason(text: str) -> CloseReason:
    """Decode the reason of a close frame; one that is no such JSON becomes the message."""
    try:
        return msgspec.json.decode(text, type=CloseReason)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return CloseReason(text)
