"""The volunteer projects' lists, under `/notifications`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.params import Parameter
from tidings.edge.dialects.engine.body import parse_body
from tidings.edge.dialects.engine.hand_written import HandWrittenNotifications
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.route_opt import dialect_opt
from tidings.edge.dialects.products.volunteers.creation import SOURCE, Creation
from tidings.edge.dialects.products.volunteers.frames import Volunteers
from tidings.edge.dialects.products.volunteers.words import notification_fields
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.web import json_response

LIMIT = 100
OFFSET_LIMIT = 1_000_000
BODY_LIMIT_BYTES = 64 * 1024
OPT = dialect_opt(Volunteers.name)
AnyRequest = Request[Any, Any, Any]


def handlers(
    lists: DialectLists, hand_written: HandWrittenNotifications, guard: Guard
) -> list[Any]:
    """Return the route handlers of the volunteer projects."""
    return [
        _list(lists, guard),
        _count(lists, guard),
        _get(lists, guard),
        _create(hand_written),
        _read(lists, guard),
        _read_all(lists, guard),
        _delete(lists, guard),
    ]


def _list(lists: DialectLists, guard: Guard) -> Any:
    @get("/notifications", guards=[guard], opt=OPT)
    async def notifications(
        request: AnyRequest,
        unread_only: bool = False,
        limit: Annotated[int, Parameter(ge=1)] = 50,
        offset: Annotated[int, Parameter(ge=0, le=OFFSET_LIMIT)] = 0,
    ) -> Response[bytes]:
        person, limit = identity_of(request).person, min(limit, LIMIT)
        slice_ = await lists.read_slice(person, unread=unread_only, limit=limit, offset=offset)
        shown = [notification_fields(item) for item in slice_.notifications]
        return json_response(
            {
                "notifications": shown,
                "total": slice_.total,
                "limit": limit,
                "offset": offset,
                "unread_count": slice_.counts.unread,
            }
        )

    return notifications


def _count(lists: DialectLists, guard: Guard) -> Any:
    @get("/notifications/unread-count", guards=[guard], opt=OPT)
    async def unread_count(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"unread_count": (await lists.read_counts(identity_of(request).person)).unread}
        )

    return unread_count


def _get(lists: DialectLists, guard: Guard) -> Any:
    @get("/notifications/{identifier:uuid}", guards=[guard], opt=OPT)
    async def notification(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        row = await lists.read_notification(identity_of(request).person, str(identifier))
        return json_response(notification_fields(row))

    return notification


def _create(hand_written: HandWrittenNotifications) -> Any:
    @post(
        "/notifications/create",
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=dialect_opt(Volunteers.name, scope="emit", body=Creation, status=201),
    )
    async def create(request: AnyRequest) -> Response[bytes]:
        sender = (await hand_written.authorize(request, Volunteers.name)).person
        creation = await parse_body(request, Creation)
        event = await hand_written.append(request, sender, SOURCE, creation.event_data)
        notification = creation.notification(
            event.notification_id_for(creation.user), sender.tenant, datetime.now(UTC)
        )
        return json_response(notification_fields(notification), status=201)

    return create


def _read(lists: DialectLists, guard: Guard) -> Any:
    @patch("/notifications/{identifier:uuid}/read", guards=[guard], opt=OPT)
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        notification = await lists.mark_notification(
            identity_of(request).person, str(identifier), "read"
        )
        return json_response({"id": notification.id, "is_read": True, "read_at": notification.read})

    return read


def _read_all(lists: DialectLists, guard: Guard) -> Any:
    @post("/notifications/mark-all-read", status_code=200, guards=[guard], opt=OPT)
    async def read_all(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"marked_as_read": await lists.mark_all(identity_of(request).person, "read")}
        )

    return read_all


def _delete(lists: DialectLists, guard: Guard) -> Any:
    @delete("/notifications/{identifier:uuid}", status_code=200, guards=[guard], opt=OPT)
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        await lists.mark_notification(identity_of(request).person, str(identifier), "deleted")
        return json_response({"message": "Notification deleted successfully"})

    return remove
