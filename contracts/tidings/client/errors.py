"""The errors of the client and the log.

TidingsError
├── Transient           try again, with a limit
│   ├── Unavailable     no server answers
│   │   ├── StreamFull  the stream has reached its limit in bytes
│   │   ├── QueueFull   too many messages of this process wait to be appended
│   │   └── Unreachable … for as long as an emit may take; emit the event again with the same id
│   └── Overloaded      too many events wait already
└── Permanent           trying again will not help
    ├── Unauthorised    the token is missing, wrong, expired, or lacks the scope `emit`
    ├── ClientClosed    the client is not open
    ├── WrongSequence   an expected sequence was wrong
    └── RequestRefused  the server refuses the request
        ├── StreamNotFound      the stream does not exist
        ├── StreamNameInUse     a stream of another configuration has the name
        ├── MessageNotFound     the message does not exist
        ├── DuplicateMessage    a message of a batch is in the stream already
        └── EventRefused    an event is invalid: which field, and what would be valid
            └── TooLarge    … it has too many bytes
"""

from __future__ import annotations


class TidingsError(Exception):
    """The base of all errors of Tidings."""


class Transient(TidingsError):
    """A failure that may end by itself: try again."""


class Permanent(TidingsError):
    """A failure that trying again cannot change."""


class Unavailable(Transient):
    """No server answers; it should not be asked again for `pause_seconds`."""

    def __init__(self, message: str = "", pause_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class StreamFull(Unavailable):
    """The stream has reached its limit in bytes; it refuses messages until there is room."""


class QueueFull(Unavailable):
    """Too many messages of this process wait to be appended; this one was not sent."""


class Unreachable(Unavailable):
    """No answer came for as long as an emit may take.

    The event `id` may be stored: emit it again with the same id.
    """

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(
            f"event `{id}` is not acknowledged: {reason};"
            " it may be stored: emit it again with the same id"
        )
        self.id = id


class Overloaded(Transient):
    """Too many events wait already; this one was not sent."""


class Unauthorised(Permanent):
    """The token is missing, wrong, expired, or lacks the scope `emit`."""


class ClientClosed(Permanent):
    """The client is not open."""


class WrongSequence(Permanent):
    """The expected last sequence was wrong."""


class RequestRefused(Permanent):
    """The server refuses the request."""


class StreamNotFound(RequestRefused):
    """The stream does not exist."""


class StreamNameInUse(RequestRefused):
    """A stream of another configuration has the name."""


class MessageNotFound(RequestRefused):
    """The message does not exist."""


class DuplicateMessage(RequestRefused):
    """The stream has a message of the batch already, with the same id."""


class EventRefused(RequestRefused):
    """An invalid event: `field` names the place (`data.user_id`), `reason` the fault."""

    def __init__(self, id: str, field: str, reason: str) -> None:
        super().__init__(f"event `{id}`: {field}: {reason}" if field else f"event `{id}`: {reason}")
        self.id = id
        self.field = field
        self.reason = reason


class TooLarge(EventRefused):
    """An event of too many bytes."""
