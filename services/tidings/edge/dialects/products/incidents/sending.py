"""Sending: a notification written by hand, from the body of a request to an event's data; pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from tidings.contracts.ids import Id
from tidings.edge.dialects.products.incidents.words import canonical_priority

SOURCE = "/incidents"


class SendRequest(Struct, frozen=True, kw_only=True):
    """The body of `POST …/send`."""

    user_ids: Annotated[tuple[Id, ...], Meta(min_length=1)]
    title: str
    message: str
    notification_type: str | None = None
    priority: Literal["low", "medium", "normal", "high", "critical"] = "medium"
    entity_type: str | None = None
    entity_id: Id | None = None
    entity_url: str | None = None
    data: dict[str, Any] | None = None


def event_data(body: SendRequest) -> dict[str, Any]:
    """Return the data of the event of a notification written by hand."""
    return {
        "to": {"users": body.user_ids},
        "title": body.title,
        "message": body.message,
        "type": body.notification_type,
        "priority": canonical_priority(body.priority),
        "entity": _entity_of(body),
        "data": body.data,
        "action_url": body.entity_url,
    }


def _entity_of(body: SendRequest) -> dict[str, str] | None:
    if not (body.entity_type and body.entity_id):
        return None
    url = {"url": body.entity_url} if body.entity_url else {}
    return {"type": body.entity_type, "id": body.entity_id, **url}
