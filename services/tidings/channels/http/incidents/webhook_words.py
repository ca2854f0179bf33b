"""A tenant's endpoints in the words of the incidents' front end, and back; pure."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from tidings.channels.http.incidents.preference_words import UnknownWord, canonical_type
from tidings.contracts.http_bodies.endpoints import OwnEndpoint
from tidings.contracts.ids import Id
from tidings.domains.addresses.events import WebAddress
from tidings.domains.endpoints.events import TYPES_LIMIT


class WebhookChange(Struct, frozen=True, kw_only=True):
    """A webhook as the front end states it; its `name` is the id of the endpoint."""

    name: Id
    url: WebAddress
    subscribed_events: Annotated[tuple[str, ...], Meta(min_length=1, max_length=TYPES_LIMIT)]
    description: str | None = None
    method: str = "POST"
    headers: dict[str, str] | None = None
    auth_type: str | None = None
    auth_config: dict[str, Any] | None = None
    filters: dict[str, Any] | None = None
    is_active: bool = True


class WebhookTest(Struct, frozen=True, kw_only=True):
    """The address to send a test to."""

    url: WebAddress


def event_types(change: WebhookChange) -> tuple[str, ...]:
    """Return the types that a webhook is subscribed to; raises UnknownWord for what has no use."""
    unsupported = {
        "method": change.method.upper() != "POST",
        "headers": bool(change.headers),
        "auth_type": change.auth_type not in (None, "", "none", "hmac"),
        "auth_config": bool(change.auth_config),
        "filters": bool(change.filters),
        "is_active": not change.is_active,
    }
    for field, is_stated in unsupported.items():
        if is_stated:
            reason = "is not supported: what is posted is signed (Standard Webhooks); delete the"
            raise UnknownWord(field, f"{reason} webhook to turn it off")
    return tuple(dict.fromkeys(map(canonical_type, change.subscribed_events)))


def webhook_fields(endpoint: OwnEndpoint) -> dict[str, Any]:
    """Return an endpoint as the front end shows it; totals are not counted."""
    last = endpoint.last if endpoint.last and endpoint.last.event else None
    status = int(last.code) if last and last.code and last.code.isdecimal() else None
    failed = last is not None and last.state != "sent"
    return {
        "id": endpoint.id,
        "name": endpoint.id,
        "description": None,
        "url": endpoint.url,
        "method": "POST",
        "headers": {},
        "auth_type": "hmac",
        "auth_config": {},
        "subscribed_events": [each.replace(".", "_") for each in endpoint.types],
        "filters": {},
        "is_active": endpoint.suppressed is None,
        "last_triggered_at": last.at if last else None,
        "last_status": status,
        "last_error": last.code if last and failed else None,
        "consecutive_failures": last.attempts if last else 0,
        "total_deliveries": None,
        "total_failures": None,
    }
