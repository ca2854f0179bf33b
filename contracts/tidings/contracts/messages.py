"""Build the messages that are appended to the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.contracts.acceptance import check_new_event, unique_fields
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.codec import InvalidEvent, encode, validate_event
from tidings.contracts.copies import SMALL_COPY_BYTES, copy_bytes, too_many_copies
from tidings.contracts.event import Event, RecordedEvent
from tidings.contracts.json_format import BASE64_FIELD, with_plain_data
from tidings.contracts.notifications import Notification
from tidings.contracts.rules import Effect, Tell, by_event_type
from tidings.contracts.subjects import Subjects
from tidings.domains import RESERVED_EVENTS, RULES

SOURCE = "/tidings"
"""The source of the events that Tidings itself emits; no producer may state it."""
EVENT_LIMIT_BYTES = 128 * 1024
BATCH_LIMIT_MESSAGES = 1000
BATCH_LIMIT_BYTES = 8 * 1024 * 1024

_RESERVED = frozenset(event.type for event in RESERVED_EVENTS)
_RULES = by_event_type(RULES)


class OversizedEvent(InvalidEvent):
    """An event of more than 128 KiB, or one that too many recipients would get a copy of."""


class ForeignEvent(InvalidEvent):
    """An event of a tenant that is not the sender's."""


class ReservedEvent(InvalidEvent):
    """An event that only Tidings may emit."""


class ForbiddenType(InvalidEvent):
    """An event of a type that the sender may not emit."""


class NewMessage(NamedTuple):
    """A message to append; with an id it is stored once, even if it is sent again."""

    subject: str
    data: bytes
    id: str | None = None
    headers: Mapping[str, str] = {}


def accept_event(
    body: bytes, *, restores: bool = False, link_hosts: Collection[str] | None = None
) -> CloudEvent:
    """Return a valid event of any tenant; raises InvalidEvent.

    `restores`: accept reserved events too, as a restored log contains them.
    """
    _check_size(body)
    return _accept_plain(plain_event(body), len(body), restores, link_hosts)


def _check_size(body: bytes) -> None:
    """Raise OversizedEvent if an event has more than `EVENT_LIMIT_BYTES`."""
    if len(body) > EVENT_LIMIT_BYTES:
        raise OversizedEvent("", f"the event has {len(body)} bytes; at most {EVENT_LIMIT_BYTES}")


def _accept_plain(
    body: bytes, size_bytes: int, restores: bool, link_hosts: Collection[str] | None
) -> CloudEvent:
    """Return a valid event whose data is no base64, as `accept_event` does."""
    cloud, event = validate_event(body)
    if not restores:
        _check_reserved(cloud)
        check_new_event(body, event, link_hosts)
    if size_bytes > SMALL_COPY_BYTES:
        _check_copies(cloud, event)
    return cloud


def _check_copies(cloud: CloudEvent, event: Event) -> None:
    """Raise OversizedEvent if the users that an event names would get too many bytes of copies."""
    recorded = RecordedEvent(
        event=event, attributes=cloud, tenant="", key="", sequence=0, time_nanoseconds=0
    )
    effects: list[Effect] = []
    with suppress(Exception):  # the notifier reports a rule that fails
        for rule in _RULES.get(type(event), ()):
            effects += rule.react(recorded)
    for effect in effects:
        if isinstance(effect, Tell):
            users = sum(isinstance(each, str) for each in set(effect.to))
            if problem := too_many_copies(copy_bytes(recorded, effect), users):
                raise OversizedEvent("data", problem)


def _check_reserved(cloud: CloudEvent) -> None:
    """Raise ReservedEvent if only Tidings may emit events of this type or source."""
    if cloud.type in _RESERVED:
        raise ReservedEvent(
            "type",
            f"only Tidings emits `{cloud.type}`; to restore a log, ask for it (`?restore=true`,"
            " with the scopes `emit` and `admin`)",
        )
    if cloud.source == SOURCE or cloud.source.startswith(f"{SOURCE}/"):
        raise ReservedEvent(
            "source",
            f"`{cloud.source}` is a source of Tidings itself; state the address of your service,"
            " such as /my-service",
        )


def event_message(
    body: bytes,
    tenant: str | None,
    subjects: Subjects,
    *,
    restores: bool = False,
    may_emit: Callable[[str], bool] | None = None,
    link_hosts: Collection[str] | None = None,
) -> NewMessage:
    """Return the message of a valid event in JSON; raises InvalidEvent.

    `may_emit` decides by the type whether the sender may emit it; without it, all may. `link_hosts`
    are those of the pages that the event may link to; without them, all are.
    If `tenant` is given, the event's tenant must be the same. An event without a tenant gets
    `tenant`; an event that has one keeps its bytes, except for data in base64.
    """
    sent, body = body, plain_event(body)
    _check_size(body)
    cloud = _accept_plain(body, len(body), restores, link_hosts)
    if body is not sent and not restores:
        unique_fields(sent)
    if may_emit and not may_emit(cloud.type):
        raise ForbiddenType(
            "type",
            f"the token may not emit `{cloud.type}`; that needs the scope `emit:{cloud.type}` or"
            f" `emit:{cloud.type.partition('.')[0]}.*`",
        )
    event_tenant = cloud.tenant or tenant
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


def plain_event(body: bytes) -> bytes:
    """Return an event in JSON with its data as JSON, not base64; raises InvalidEvent."""
    try:
        return with_plain_data(body)
    except ValueError as error:
        raise InvalidEvent(BASE64_FIELD, str(error)) from None


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
    return own_event_message(
        event,
        notification.tenant,
        OwnEventSubject("notification", notification.id),
        actor=user,
        id=id,
        at=at,
        subjects=subjects,
    )


class OwnEventSubject(NamedTuple):
    """What an event of Tidings itself is about, such as a notification; its id is in the log's
    subject too.
    """

    kind: str
    id: str


def own_event_message(
    event: Event,
    tenant: str,
    about: OwnEventSubject,
    *,
    actor: str | None,
    id: str,
    at: datetime | None,
    subjects: Subjects,
) -> NewMessage:
    """Return the message of an event that Tidings itself emits, caused by `actor` if it is known.

    `at`: when it happened, None for the moment at which it is appended.
    """
    cloud = CloudEvent(
        specversion="1.0",
        id=id,
        source=SOURCE,
        type=event.type,
        subject=f"{about.kind}/{about.id}",
        time=at,
        tenant=tenant,
        actor=actor,
        data=msgspec.Raw(encode(event)),
    )
    return NewMessage(
        subjects.event_subject(tenant, event.type, about.id),
        encode(cloud),
        id=cloud.key_of(tenant),
    )
