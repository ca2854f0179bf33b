"""Closing: the codes with which an edge ends a WebSocket (RFC 6455, section 7.4), and what the client should do then.

4000 to 4499: come back, with the cursor; of these, 4001 to 4003 only with another token. 4500 and above: do not come back by yourself.
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """A close code; `advice` is what the client should do."""

    advice: str

    def __new__(cls, value: int, advice: str) -> Code:
        """A code with its advice."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.advice = advice
        return code

    NO_TOKEN = 4001, "send a token, then come back"
    TOKEN_OVER = 4002, "the token is expired or not valid: get another one, then come back"
    MISSING_CLAIMS = 4003, "the token lacks a claim or scope: get one that has it, then come back"
    LIFETIME_OVER = 4100, "come back at once"
    DRAINING = 4101, "this edge stops: come back at once, another one answers"
    UNAVAILABLE = 4102, "the log cannot be read now: come back after a pause that grows"
    TOO_SLOW = 4103, "nothing was read for too long: come back when you can read again"
    TOO_MANY = 4104, "too many connections: close one, or come back after a pause that grows"
    TOO_FAST = (
        4105,
        "too much in too short a time: come back after the seconds that the reason names",
    )
    ELSEWHERE = (
        4106,
        "another edge serves this person: come back with the `partition` that the reason names, for the balancer to find it",
    )
    BAD_FRAME = 4500, "a frame was not understood: do not come back before it is mended"

    @property
    def comes_back(self) -> bool:
        """Whether a client should come back by itself."""
        return self.value < 4500
