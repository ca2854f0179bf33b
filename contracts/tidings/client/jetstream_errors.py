"""JetStream's error codes and their exceptions.

The codes are those of nats-server's `server/errors.json`. No other module compares them or parses
the text of an error.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct
from tidings.client.errors import (
    DuplicateMessage,
    MessageNotFound,
    RequestRefused,
    StreamNameInUse,
    StreamNotFound,
    TidingsError,
    Unavailable,
    WrongSequence,
)

TOO_MANY_REQUESTS = 429
SERVICE_UNAVAILABLE = 503

# The core protocol (`-ERR`) has no codes, and while connecting nats-py hands on the bare text:
# https://docs.nats.io/reference/reference-protocols/nats-protocol#okerr
_AUTHORIZATION_VIOLATION = "authorization violation"
_PERMISSIONS_VIOLATION = "permissions violation"


class ErrorCode(IntEnum):
    """The `err_code` of an answer of the JetStream API."""

    CLUSTER_NOT_AVAILABLE = 10008
    INSUFFICIENT_RESOURCES = 10023
    MESSAGE_NOT_FOUND = 10037
    STREAM_NAME_IN_USE = 10058
    STREAM_NOT_FOUND = 10059
    WRONG_LAST_SEQUENCE = 10071
    STREAM_STORE_FAILED = 10077
    DUPLICATE_IN_PROGRESS = 10158
    WRONG_LAST_SEQUENCE_CONSTANT = 10164
    BATCH_INCOMPLETE = 10176
    BATCH_CONTAINS_DUPLICATE = 10201
    ATOMIC_BATCHES_IN_FLIGHT = 10210
    BATCHES_IN_FLIGHT = 10211


EXCEPTIONS: dict[int, type[TidingsError]] = {
    ErrorCode.CLUSTER_NOT_AVAILABLE: Unavailable,
    ErrorCode.INSUFFICIENT_RESOURCES: Unavailable,
    ErrorCode.MESSAGE_NOT_FOUND: MessageNotFound,
    ErrorCode.STREAM_NAME_IN_USE: StreamNameInUse,
    ErrorCode.STREAM_NOT_FOUND: StreamNotFound,
    ErrorCode.WRONG_LAST_SEQUENCE: WrongSequence,
    ErrorCode.STREAM_STORE_FAILED: Unavailable,
    ErrorCode.DUPLICATE_IN_PROGRESS: Unavailable,
    ErrorCode.WRONG_LAST_SEQUENCE_CONSTANT: WrongSequence,
    ErrorCode.BATCH_INCOMPLETE: Unavailable,
    ErrorCode.BATCH_CONTAINS_DUPLICATE: DuplicateMessage,
    ErrorCode.ATOMIC_BATCHES_IN_FLIGHT: Unavailable,
    ErrorCode.BATCHES_IN_FLIGHT: Unavailable,
}
"""The exception of each code that is not just `RequestRefused`."""


class ApiError(Struct):
    """An error as the JetStream API states it: an HTTP-like `code`, and the exact `err_code`."""

    code: int
    err_code: int = 0
    description: str = ""


def exception_of(error: ApiError) -> TidingsError:
    """Return the exception of an error of the API: by its `err_code`, else by its `code`."""
    is_transient = error.code in (TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE)
    default = Unavailable if is_transient else RequestRefused
    kind = EXCEPTIONS.get(error.err_code, default)
    return kind(f"{error.description} ({error.err_code})")


def is_authorization_violation(text: str) -> bool:
    """Return whether an `-ERR` of the server rejects the credentials."""
    return _AUTHORIZATION_VIOLATION in text.lower()


def is_permissions_violation(text: str) -> bool:
    """Return whether an `-ERR` of the server denies a subject."""
    return _PERMISSIONS_VIOLATION in text.lower()
