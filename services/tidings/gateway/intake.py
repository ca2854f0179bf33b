"""Intake: from the bytes of a request to events that may be appended; pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from tidings.contracts import messages as drafts
from tidings.contracts.cloudevents import NO_DATA
from tidings.contracts.codec import InvalidEvent, encode
from tidings.contracts.messages import ForeignEvent, NewMessage, OversizedEvent, ReservedEvent
from tidings.contracts.subjects import Subjects

BINARY_PREFIX = "ce-"
BINARY_MEDIA_TYPES = ("application/json", "")


class IntakeError(Exception):
    """An event is refused: which one (from 1), which field, and why."""

    def __init__(self, line: int, field: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.line = line
        self.field = field
        self.reason = reason
        self.status = status


class Producer(NamedTuple):
    """Who emits: their tenant; `may_restore`: may emit events that only Tidings itself states."""

    tenant: str
    subjects: Subjects
    may_restore: bool = False


def prepare_event(body: bytes, producer: Producer, line: int) -> NewMessage:
    """Check an event in JSON and return its message; raises Rejected.

    An event that names its tenant is stored byte by byte as it came.
    """
    try:
        return drafts.event_message(
            body, producer.tenant, producer.subjects, restores=producer.may_restore
        )
    except InvalidEvent as error:
        raise IntakeError(line, error.field, error.reason, _status(error)) from None


def prepare_batch(body: bytes, producer: Producer) -> list[NewMessage]:
    """Check a JSON array of events and return their messages; raises Rejected."""
    with _json_errors(0, ""):
        parts = msgspec.json.decode(body, type=list[msgspec.Raw])
    return [prepare_event(bytes(part), producer, line) for line, part in enumerate(parts, 1)]


def structure_binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return an event of binary mode (`ce-*` headers) in structured mode; raises Rejected."""
    attributes = {
        name.lower().removeprefix(BINARY_PREFIX): unquote(value)
        for name, value in headers.items()
        if _is_attribute(name)
    }
    with _json_errors(1, "data"):
        data = msgspec.json.decode(body or NO_DATA, type=msgspec.Raw)
    return encode({**attributes, "data": data})


@contextmanager
def _json_errors(line: int, field: str) -> Generator[None]:
    """Reject what is not JSON, also in parts that are not decoded here: others will read them."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise IntakeError(line, field, str(error)) from None
    except UnicodeDecodeError as error:
        raise IntakeError(line, field, f"not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise IntakeError(line, field, "nested too deeply") from None


def _is_attribute(name: str) -> bool:
    return name.lower().startswith(BINARY_PREFIX)


def _status(error: InvalidEvent) -> int:
    match error:
        case OversizedEvent():
            return 413
        case ForeignEvent() | ReservedEvent():
            return 403
        case _:
            return 400
