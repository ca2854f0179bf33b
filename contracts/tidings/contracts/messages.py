"""Build the messages that are appended to the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.codec import InvalidEvent, encode, validate_event
from tidings.contracts.event import Event
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Subjects
from tidings.domains import RESERVED_EVENTS

SOURCE = "/tidings"
EVENT_LIMIT_BYTES = 128 * 1024
BATCH_LIMIT_MESSAGES = 1000
BATCH_LIMIT_BYTES = 8 * 1024 * 1024

_RESERVED = frozenset(event.type for event in RESERVED_EVENTS)


class OversizedEvent(InvalidEvent):
    """An event of more than 128 KiB."""


class ForeignEvent(InvalidEvent):
    """An event of a tenant that is not the sender's."""


class ReservedEvent(InvalidEvent):
    """An event that only Tidings may emit."""


class NewMessage(NamedTuple):
    """A message to append; with an id it is stored once, even if it is sent again."""

    subject: str
    data: bytes
    id: str | None = None
    headers: Mapping[str, str] = {}


def accept_event(body: bytes, *, restores: bool = False) -> CloudEvent:
    """Return a valid event of any tenant; raises InvalidEvent.

    `restores`: accept reserved events too, as a restored log contains them.
    """
    if len(body) > EVENT_LIMIT_BYTES:
        raise OversizedEvent("", f"the event has {len(body)} bytes; at most {EVENT_LIMIT_BYTES}")
    cloud = validate_event(body)
    if cloud.type in _RESERVED and not restores:
        raise ReservedEvent(
            "type",
            f"only Tidings emits `{cloud.type}`; restoring a log requires the scope `admin`",
        )
    return cloud


def event_message(
    body: bytes,
    tenant: str | None,
    subjects: Subjects,
    *,
    default: str | None = None,
    restores: bool = False,
) -> NewMessage:
    """Return the message of a valid event in JSON; raises InvalidEvent.

    If `tenant` is given, the event's tenant must be the same. An event without a tenant gets
    `tenant`, else `default`; an event that has one keeps its bytes.
    """
    cloud = accept_event(body, restores=restores)
    event_tenant = cloud.tenant or tenant or default
    if event_tenant is None:
        raise InvalidEvent("tenant", "missing; state the tenant of the event")
    if tenant and event_tenant != tenant:
        raise ForeignEvent(
            "tenant", f"the token is for the tenant `{tenant}`, the event for `{event_tenant}`"
        )
    if cloud.tenant is None:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        body = encode({**fields, "tenant": event_tenant})
    return NewMessage(
        subjects.event_subject(event_tenant, cloud.type, cloud.entity),
        body,
        id=cloud.key_of(event_tenant),
    )


def reserved_event_message(
    event: Event,
    notification: Notification,
    user: str,
    *,
    id: str,
    at: datetime | None,
    subjects: Subjects,
) -> NewMessage:
    """Return the message of an event that Tidings itself emits: a user acted on a notification."""
    cloud = CloudEvent(
        specversion="1.0",
        id=id,
        source=SOURCE,
        type=event.type,
        subject=f"notification/{notification.id}",
        time=at,
        tenant=notification.tenant,
        actor=user,
        data=msgspec.Raw(encode(event)),
    )
    return NewMessage(
        subjects.event_subject(notification.tenant, event.type, notification.id),
        encode(cloud),
        id=cloud.key_of(notification.tenant),
    )
