"""The incidents' requests, under `/api/v1/notifications`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from msgspec import Meta, Struct
from tidings.contracts.ids import Id
from tidings.contracts.subjects import Person
from tidings.edge.dialects.engine.body import parse_body
from tidings.edge.dialects.engine.hand_written import HandWrittenNotifications
from tidings.edge.dialects.engine.route_opt import dialect_opt
from tidings.edge.dialects.products.incidents.frames import Incidents
from tidings.edge.dialects.products.incidents.inbox import IncidentInbox, ItemFilter
from tidings.edge.dialects.products.incidents.sending import SOURCE, SendRequest, event_data
from tidings.edge.dialects.products.incidents.words import item_fields
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

BASE = "/api/v1/notifications"
PAGE_LIMIT = 100
"""The number of items of a page; a larger `size` is cut, as by the product's own server."""
PAGES_LIMIT = 10_000
IDS_LIMIT = 10_000
BODY_LIMIT_BYTES = 512 * 1024
DELETED = {"message": "Notification deleted"}
OPT = dialect_opt(Incidents.name)
AnyRequest = Request[Any, Any, Any]


class ListQuery(Struct, frozen=True, kw_only=True):
    """The parameters of a list."""

    unread_only: bool = False
    include_archived: bool = False
    notification_type: str | None = None
    priority: str | None = None
    page: Annotated[int, Meta(ge=1, le=PAGES_LIMIT)] = 1
    size: Annotated[int, Meta(ge=1)] = 50


class MarkReadRequest(Struct, frozen=True, kw_only=True):
    """Which notifications to mark as read: these, or all."""

    notification_ids: Annotated[tuple[Id, ...], Meta(max_length=IDS_LIMIT)] | None = None
    mark_all: bool = False


def handlers(
    inbox: IncidentInbox, hand_written: HandWrittenNotifications, guard: Guard
) -> list[Any]:
    """Return the handlers of the routes that no other product has."""
    return [*_reads(inbox, guard), *_changes(inbox, guard), _send(hand_written)]


async def list_notifications(
    inbox: IncidentInbox, person: Person, query: ListQuery
) -> dict[str, Any]:
    """Return a page of a user's notifications, newest first; raises Unavailable."""
    size = min(query.size, PAGE_LIMIT)
    page = await inbox.read_page(
        person,
        ItemFilter(
            query.unread_only, query.include_archived, query.notification_type, query.priority
        ),
        limit=size,
        offset=(query.page - 1) * size,
    )
    return {
        "items": [item_fields(item) for item in page.notifications],
        "total": page.total,
        "page": query.page,
        "size": size,
        "pages": -(-page.total // size),
    }


async def delete_notification(
    inbox: IncidentInbox, person: Person, identifier: str
) -> dict[str, Any]:
    """Delete one of a user's notifications; raises Problem without it, or Unavailable."""
    await inbox.lists.mark_notification(person, identifier, "deleted")
    return DELETED


def _reads(inbox: IncidentInbox, guard: Guard) -> list[Any]:
    @get(f"{BASE}/stats", guards=[guard], opt=OPT)
    async def stats(request: AnyRequest) -> Response[bytes]:
        return json_response(await inbox.read_stats(identity_of(request).person))

    @get(f"{BASE}/{{identifier:uuid}}", guards=[guard], opt=OPT)
    async def notification(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        item = await inbox.read_notification(identity_of(request).person, str(identifier))
        return json_response(item_fields(item))

    return [stats, notification]


def _changes(inbox: IncidentInbox, guard: Guard) -> list[Any]:
    @post(
        f"{BASE}/mark-read",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=dialect_opt(Incidents.name, body=MarkReadRequest),
    )
    async def mark_read(request: AnyRequest) -> Response[bytes]:
        person, body = identity_of(request).person, await parse_body(request, MarkReadRequest)
        if body.mark_all:
            return json_response({"marked_count": await inbox.lists.mark_all(person, "read")})
        if body.notification_ids is None:
            detail = "the body needs `notification_ids`, or `mark_all: true`"
            raise Problem(400, "bad request", detail, field="notification_ids")
        marked = await inbox.mark_read(person, body.notification_ids)
        return json_response({"marked_count": marked})

    @post(
        f"{BASE}/{{identifier:uuid}}/archive",
        status_code=200,
        guards=[guard],
        opt=OPT,
    )
    async def archive(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        archived = await inbox.archive(identity_of(request).person, str(identifier))
        return json_response(item_fields(archived))

    return [mark_read, archive]


def _send(hand_written: HandWrittenNotifications) -> Any:
    @post(
        f"{BASE}/send",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=dialect_opt(Incidents.name, scope="emit", body=SendRequest),
    )
    async def send(request: AnyRequest) -> Response[bytes]:
        sender = (await hand_written.authorize(request, Incidents.name)).person
        body = await parse_body(request, SendRequest)
        event = await hand_written.append(request, sender, SOURCE, event_data(body))
        return json_response({"message": "Notification sent", "event_id": event.id})

    return send
