"""Intake: from the bytes of a request to events that may be appended; pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from tidings.contracts import draft as drafts
from tidings.contracts.cloudevents import NO_DATA
from tidings.contracts.codec import InvalidEvent, encode
from tidings.contracts.draft import Draft, ForeignEvent, OversizedEvent, OwnEvent

BINARY_PREFIX = "ce-"
BINARY_MEDIA_TYPES = ("application/json", "")


class Rejected(Exception):
    """An event that is not taken: which one (from 1), which field of it, and why."""

    def __init__(self, line: int, field: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.line = line
        self.field = field
        self.reason = reason
        self.status = status


class Producer(NamedTuple):
    """Who states events: of which tenant; whether they bring back a log with what only Tidings states (`restores`)."""

    tenant: str
    partitions: int
    restores: bool = False


def draft(body: bytes, producer: Producer, line: int) -> Draft:
    """An event in JSON, checked, as it will lie in the log: byte by byte as it came, if it names its tenant. Raises Rejected."""
    try:
        return drafts.draft(body, producer.tenant, producer.partitions, restores=producer.restores)
    except InvalidEvent as error:
        raise Rejected(line, error.field, error.reason, _status(error)) from None


def batch(body: bytes, producer: Producer) -> list[Draft]:
    """A JSON array of events; raises Rejected."""
    with _readable(0, ""):
        parts = msgspec.json.decode(body, type=list[msgspec.Raw])
    return [draft(bytes(part), producer, line) for line, part in enumerate(parts, 1)]


def binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """An event in binary mode (attributes in `ce-*` headers, data in the body) in structured mode; raises Rejected."""
    attributes = {
        name.lower().removeprefix(BINARY_PREFIX): unquote(value)
        for name, value in headers.items()
        if _attribute(name)
    }
    with _readable(1, "data"):
        data = msgspec.json.decode(body or NO_DATA, type=msgspec.Raw)
    return encode({**attributes, "data": data})


@contextmanager
def _readable(line: int, field: str) -> Generator[None]:
    """Reject what is no JSON, with the parts that nobody here looks into: others will read them."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise Rejected(line, field, str(error)) from None
    except UnicodeDecodeError as error:
        raise Rejected(line, field, f"not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise Rejected(line, field, "nested too deeply") from None


def _attribute(name: str) -> bool:
    return name.lower().startswith(BINARY_PREFIX)


def _status(error: InvalidEvent) -> int:
    match error:
        case OversizedEvent():
            return 413
        case ForeignEvent() | OwnEvent():
            return 403
        case _:
            return 400
