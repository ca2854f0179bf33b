"""Draft: a message yet to be appended; how an event becomes one, whichever way it comes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.contracts import subjects
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.codec import InvalidEvent, checked, encode
from tidings.contracts.events import OWN
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Notification

SOURCE = "/tidings"
EVENT_LIMIT_BYTES = 128 * 1024
BATCH_LIMIT_MESSAGES = 1000
BATCH_LIMIT_BYTES = 8 * 1024 * 1024

_OWN = frozenset(shape.type for shape in OWN)


class OversizedEvent(InvalidEvent):
    """An event of more than 128 KiB."""


class ForeignEvent(InvalidEvent):
    """An event of another tenant."""


class OwnEvent(InvalidEvent):
    """An event that nobody but Tidings may state."""


class Draft(NamedTuple):
    """A message yet to be appended; with an id it is stored once, however often it is sent."""

    subject: str
    data: bytes
    id: str | None = None
    headers: Mapping[str, str] = {}


def accepted(body: bytes, *, restores: bool = False) -> CloudEvent:
    """An event in JSON that anybody's log would take, if it is theirs; what only Tidings may state, of whoever `restores` a log.

    Raises InvalidEvent.
    """
    if len(body) > EVENT_LIMIT_BYTES:
        raise OversizedEvent("", f"the event has {len(body)} bytes; at most {EVENT_LIMIT_BYTES}")
    cloud = checked(body)
    if cloud.type in _OWN and not restores:
        raise OwnEvent(
            "type",
            f"`{cloud.type}` is stated by Tidings alone; to bring back a log takes the scope `admin`",
        )
    return cloud


def draft(
    body: bytes,
    tenant: str | None,
    partitions: int,
    *,
    default: str | None = None,
    restores: bool = False,
) -> Draft:
    """An event in JSON, checked, as it will lie in the log: byte by byte as it came, if it names its tenant.

    A tenant that is given must be the event's; it, or else the default, is written into one that names none. Raises InvalidEvent.
    """
    cloud = accepted(body, restores=restores)
    whose = cloud.tenant or tenant or default
    if whose is None:
        raise InvalidEvent("tenant", "missing; say whose event it is")
    if tenant and whose != tenant:
        raise ForeignEvent(
            "tenant", f"the token is for the tenant `{tenant}`, the event for `{whose}`"
        )
    if cloud.tenant is None:
        body = encode({**msgspec.json.decode(body, type=dict[str, msgspec.Raw]), "tenant": whose})
    return Draft(
        subjects.event(whose, cloud.type, cloud.entity, partitions), body, id=cloud.key_of(whose)
    )


def stated(
    fact: Event, told: Notification, user: str, *, id: str, at: datetime | None, partitions: int
) -> Draft:
    """What Tidings itself states: that a user did something with a notification they were told."""
    cloud = CloudEvent(
        specversion="1.0",
        id=id,
        source=SOURCE,
        type=fact.type,
        subject=f"notification/{told.id}",
        time=at,
        tenant=told.tenant,
        actor=user,
        data=msgspec.Raw(encode(fact)),
    )
    return Draft(
        subjects.event(told.tenant, fact.type, told.id, partitions),
        encode(cloud),
        id=cloud.key_of(told.tenant),
    )
