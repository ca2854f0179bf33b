"""Intake: from the bytes of a request to events that may be appended; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec import Raw, Struct, defstruct, structs
from tidings.contracts import messages as drafts
from tidings.contracts.acceptance import ForbiddenLink, UnknownValue
from tidings.contracts.cloudevents import NO_DATA
from tidings.contracts.codec import InvalidEvent, encode
from tidings.contracts.json_format import is_json_media_type
from tidings.contracts.messages import (
    BATCH_LIMIT_MESSAGES,
    ForbiddenType,
    ForeignEvent,
    NewMessage,
    OversizedEvent,
    ReservedEvent,
)
from tidings.contracts.subjects import Subjects

BINARY_PREFIX = "ce-"
_ESCAPED = re.compile(r"\\(.)")
_BATCH: type[Struct] = defstruct(
    "_BATCH",
    [(f"event_{number}", Raw, None) for number in range(BATCH_LIMIT_MESSAGES + 1)],
    array_like=True,
)
"""An array of events and one too many; the decoder checks the rest of an array and keeps nothing.

A list with a `max_length` would be built first and counted after.
"""


class IntakeError(Exception):
    """An event is refused: which one (from 1), which field, and why."""

    def __init__(self, line: int, field: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.line = line
        self.field = field
        self.reason = reason
        self.status = status


class Producer(NamedTuple):
    """Who emits: their tenant; `may_emit` decides by the type of an event.

    `link_hosts`: the hosts of pages that their events may link to. `restores`: they restore a log,
    whose events need not fulfil what new ones must, and may be those that only Tidings states.
    """

    tenant: str
    subjects: Subjects
    may_emit: Callable[[str], bool]
    link_hosts: Collection[str]
    restores: bool = False


def prepare_event(body: bytes, producer: Producer, line: int) -> NewMessage:
    """Check an event in JSON and return its message; raises Rejected.

    An event that names its tenant is stored byte by byte as it came.
    """
    try:
        return drafts.event_message(
            body,
            producer.tenant,
            producer.subjects,
            restores=producer.restores,
            may_emit=producer.may_emit,
            link_hosts=producer.link_hosts,
        )
    except InvalidEvent as error:
        raise IntakeError(line, error.field, error.reason, _status(error)) from None


def prepare_batch(body: bytes, producer: Producer) -> list[NewMessage]:
    """Check a JSON array of events and return their messages; raises IntakeError."""
    with _json_errors(0, ""):
        batch = msgspec.json.decode(body, type=_BATCH)
    parts: list[Raw] = [part for part in structs.astuple(batch) if part is not None]
    if len(parts) > BATCH_LIMIT_MESSAGES:
        reason = f"a batch has at most {BATCH_LIMIT_MESSAGES} events; send JSON lines for more"
        raise IntakeError(0, "", reason, 413)
    return [prepare_event(bytes(part), producer, line) for line, part in enumerate(parts, 1)]


def structure_binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return an event of binary mode (`ce-*` headers) in structured mode; raises Rejected."""
    content_type = headers.get("content-type")
    _check_unique(headers)
    attributes = {
        **{
            name.lower().removeprefix(BINARY_PREFIX): _attribute_value(name, value)
            for name, value in headers.items()
            if _is_attribute(name)
        },
        **({"datacontenttype": content_type} if content_type else {}),
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


def is_binary(headers: Mapping[str, str]) -> bool:
    """Return whether a request has one event in binary mode, whose data is JSON."""
    content_type = headers.get("content-type", "")
    return bool(headers.get("ce-specversion")) and (
        not content_type or is_json_media_type(content_type)
    )


def _attribute_value(name: str, value: str) -> str:
    """Return the text of a `ce-*` header (HTTP binding, section 3.1.3.2); raises Rejected."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    with _json_errors(1, name.lower()):
        return unquote(_ESCAPED.sub(r"\1", value[1:-1]) if quoted else value, errors="strict")


def _check_unique(headers: Mapping[str, str]) -> None:
    """Raise IntakeError if an attribute is stated twice."""
    repeated = Counter(name.lower() for name in _names(headers) if _is_attribute(name))
    for name, count in repeated.items():
        if count > 1:
            raise IntakeError(1, name, "occurs twice; state it once")


def _names(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the name of every header; one that is stated twice has two values in one mapping."""
    getall: Callable[[str], list[str]] | None = getattr(headers, "getall", None)
    for name in headers:
        yield from [name] * (len(getall(name)) if getall else 1)


def _is_attribute(name: str) -> bool:
    return name.lower().startswith(BINARY_PREFIX)


def _status(error: InvalidEvent) -> int:
    match error:
        case OversizedEvent():
            return 413
        case ForeignEvent() | ForbiddenLink() | ForbiddenType() | ReservedEvent():
            return 403
        case UnknownValue():
            return 422
        case _:
            return 400
