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
    StreamFull,
    StreamNameInUse,
    StreamNotFound,
    TidingsError,
    Unavailable,
    WrongSequence,
)

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500

# The core protocol (`-ERR`) has no codes, and while connecting nats-py hands on the bare text:
# https://docs.nats.io/reference/reference-protocols/nats-protocol#okerr
_IS_FULL = "maximum bytes exceeded"
_AUTHORIZATION_VIOLATION = "authorization violation"
_PERMISSIONS_VIOLATION = "permissions violation"


class ErrorCode(IntEnum):
    """The `err_code` of an answer of the JetStream API."""

    NO_SUITABLE_PEERS = 10005
    CLUSTER_NOT_AVAILABLE = 10008
    INSUFFICIENT_RESOURCES = 10023
    MESSAGE_NOT_FOUND = 10037
    INVALID_CONFIGURATION = 10052
    STREAM_NAME_IN_USE = 10058
    STREAM_NOT_FOUND = 10059
    WRONG_LAST_SEQUENCE = 10071
    REPLICAS_NOT_SUPPORTED = 10074
    STREAM_STORE_FAILED = 10077
    STREAM_MOVE_IN_PROGRESS = 10124
    DUPLICATE_IN_PROGRESS = 10158
    WRONG_LAST_SEQUENCE_CONSTANT = 10164
    BATCH_INCOMPLETE = 10176
    BATCH_CONTAINS_DUPLICATE = 10201
    MEMBER_CHANGE_IN_PROGRESS = 10202
    ATOMIC_BATCHES_IN_FLIGHT = 10210
    BATCHES_IN_FLIGHT = 10211


EXCEPTIONS: dict[int, type[TidingsError]] = {
    ErrorCode.NO_SUITABLE_PEERS: Unavailable,
    ErrorCode.CLUSTER_NOT_AVAILABLE: Unavailable,
    ErrorCode.INSUFFICIENT_RESOURCES: Unavailable,
    ErrorCode.MESSAGE_NOT_FOUND: MessageNotFound,
    ErrorCode.INVALID_CONFIGURATION: RequestRefused,
    ErrorCode.STREAM_NAME_IN_USE: StreamNameInUse,
    ErrorCode.STREAM_NOT_FOUND: StreamNotFound,
    ErrorCode.WRONG_LAST_SEQUENCE: WrongSequence,
    ErrorCode.REPLICAS_NOT_SUPPORTED: RequestRefused,
    ErrorCode.STREAM_STORE_FAILED: Unavailable,
    ErrorCode.STREAM_MOVE_IN_PROGRESS: Unavailable,
    ErrorCode.DUPLICATE_IN_PROGRESS: Unavailable,
    ErrorCode.WRONG_LAST_SEQUENCE_CONSTANT: WrongSequence,
    ErrorCode.BATCH_INCOMPLETE: Unavailable,
    ErrorCode.BATCH_CONTAINS_DUPLICATE: DuplicateMessage,
    ErrorCode.MEMBER_CHANGE_IN_PROGRESS: Unavailable,
    ErrorCode.ATOMIC_BATCHES_IN_FLIGHT: Unavailable,
    ErrorCode.BATCHES_IN_FLIGHT: Unavailable,
}
"""The exception of each code that its HTTP-like code does not tell.

A cluster answers some requests with a 4xx code that the same request does not get a moment later.
"""


class ApiError(Struct):
    """An error as the JetStream API states it: an HTTP-like `code`, and the exact `err_code`."""

    code: int
    err_code: int = 0
    description: str = ""


def exception_of(error: ApiError) -> TidingsError:
    """Return the exception of an error of the API: by its `err_code`, else by its `code`.

    A fault of the server (5xx) may end by itself, so that the request is tried again.
    """
    is_transient = error.code == TOO_MANY_REQUESTS or error.code >= SERVER_ERROR
    default = Unavailable if is_transient else RequestRefused
    kind = EXCEPTIONS.get(error.err_code, default)
    if error.err_code == ErrorCode.STREAM_STORE_FAILED and _IS_FULL in error.description:
        kind = StreamFull  # the same code stands for a disk that fails
    return kind(f"{error.description} ({error.err_code})")


def is_authorization_violation(text: str) -> bool:
    """Return whether an `-ERR` of the server rejects the credentials."""
    return _AUTHORIZATION_VIOLATION in text.lower()


def is_permissions_violation(text: str) -> bool:
    """Return whether an `-ERR` of the server denies a subject."""
    return _PERMISSIONS_VIOLATION in text.lower()
