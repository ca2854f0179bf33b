"""Errors, and what to do about each.

TidingsError
├── Transient           try again, with a limit
│   ├── Unavailable     a server is away
│   │   └── Unreachable … and was for as long as an emit has patience; it may be stored: emit it again with the same id
│   └── Overloaded      too many events wait already
└── Permanent           trying again will not help
    ├── Unauthorised    the token is missing, wrong, expired, or lacks the scope `emit`
    ├── Closed          the client is not open
    ├── WrongSequence   an expected sequence did not hold
    └── Refused         the server refuses what was asked
        └── EventRefused    an event is wrong: which field, and what would be right
            └── TooLarge    … it has too many bytes
"""

from __future__ import annotations


class TidingsError(Exception):
    """Something Tidings has a name for."""


class Transient(TidingsError):
    """Worth trying again."""


class Permanent(TidingsError):
    """Not worth trying again."""


class Unavailable(Transient):
    """A server is away; it asks to be left alone for `pause_seconds`."""

    def __init__(self, message: str = "", pause_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class Unreachable(Unavailable):
    """Nobody answered for as long as an emit has patience; the event `id` may be stored: emit it again with the same id."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(
            f"event `{id}` is not acknowledged: {reason}; it may be stored: emit it again with the same id"
        )
        self.id = id


class Overloaded(Transient):
    """Too many events wait already; this one was not sent."""


class Unauthorised(Permanent):
    """The token is missing, wrong, expired, or lacks the scope `emit`."""


class Closed(Permanent):
    """The client is not open."""


class WrongSequence(Permanent):
    """The expected last sequence did not hold."""


class Refused(Permanent):
    """The server refuses what was asked."""


class EventRefused(Refused):
    """An event that is not taken: `field` says where (`data.user_id`), `reason` what would be right."""

    def __init__(self, id: str, field: str, reason: str) -> None:
        super().__init__(f"event `{id}`: {field}: {reason}" if field else f"event `{id}`: {reason}")
        self.id = id
        self.field = field
        self.reason = reason


class TooLarge(EventRefused):
    """An event of too many bytes."""
