"""Intake: from the bytes of a request to events that may be appended; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from contracts import subjects
from contracts.cloudevents import CloudEvent
from contracts.codec import InvalidEvent, decode, encode, known_event_of
from services.runtime.append import Draft

EVENT_LIMIT_BYTES = 128 * 1024
BINARY_PREFIX = "ce-"


class Rejected(Exception):
    """An event that is not taken: which one (from 1), which field of it, and why."""

    def __init__(self, line: int, field: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.line = line
        self.field = field
        self.reason = reason
        self.status = status


def draft(body: bytes, tenant: str, partitions: int, line: int) -> Draft:
    """An event in JSON, checked, as it will lie in the log: byte by byte as it came, if it names its tenant. Raises Rejected."""
    if len(body) > EVENT_LIMIT_BYTES:
        raise Rejected(line, "", f"the event has {len(body)} bytes; at most {EVENT_LIMIT_BYTES}", 413)
    try:
        cloud = decode(body)
        known_event_of(cloud)
    except InvalidEvent as error:
        raise Rejected(line, error.field, error.reason) from None
    if cloud.tenant is None:
        body = encode({**msgspec.json.decode(body), "tenant": tenant})
    elif cloud.tenant != tenant:
        raise Rejected(line, "tenant", f"the token is for the tenant `{tenant}`, the event for `{cloud.tenant}`", 403)
    return _draft(cloud, body, tenant, partitions)


def batch(body: bytes, tenant: str, partitions: int) -> list[Draft]:
    """A JSON array of events; raises Rejected."""
    try:
        parts = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise Rejected(0, "", str(error)) from None
    return [draft(bytes(part), tenant, partitions, line) for line, part in enumerate(parts, 1)]


def binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """An event in binary mode (attributes in `ce-*` headers, data in the body) in structured mode; raises Rejected."""
    attributes = {name.lower().removeprefix(BINARY_PREFIX): unquote(value) for name, value in headers.items() if _attribute(name)}
    try:
        data: Any = msgspec.json.decode(body) if body else {}
    except msgspec.DecodeError as error:
        raise Rejected(1, "data", str(error)) from None
    return encode({**attributes, "data": data})


def _attribute(name: str) -> bool:
    return name.lower().startswith(BINARY_PREFIX)


def _draft(cloud: CloudEvent, body: bytes, tenant: str, partitions: int) -> Draft:
    return Draft(subjects.event(tenant, cloud.type, cloud.entity, partitions), body, id=cloud.key_of(tenant))
