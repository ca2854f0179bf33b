"""The volunteer projects' lists, under `/notifications`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.params import Parameter
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.products.volunteers.frames import notification_fields
from tidings.edge.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.web import json_response

LIMIT = 100
OFFSET_LIMIT = 1_000_000
AnyRequest = Request[Any, Any, Any]


def handlers(lists: DialectLists, guard: Guard) -> list[Any]:
    """Return the route handlers of the volunteer projects."""
    return [
        _list(lists, guard),
        _count(lists, guard),
        _read(lists, guard),
        _read_all(lists, guard),
        _delete(lists, guard),
    ]


def _list(lists: DialectLists, guard: Guard) -> Any:
    @get("/notifications", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def notifications(
        request: AnyRequest,
        unread_only: bool = False,
        limit: Annotated[int, Parameter(ge=1, le=LIMIT)] = 50,
        offset: Annotated[int, Parameter(ge=0, le=OFFSET_LIMIT)] = 0,
    ) -> Response[bytes]:
        person = identity_of(request).person
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
    @get("/notifications/unread-count", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def unread_count(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"unread_count": (await lists.read_counts(identity_of(request).person)).unread}
        )

    return unread_count


def _read(lists: DialectLists, guard: Guard) -> Any:
    @patch("/notifications/{identifier:uuid}/read", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        notification = await lists.mark_notification(
            identity_of(request).person, str(identifier), "read"
        )
        return json_response({"id": notification.id, "is_read": True, "read_at": notification.read})

    return read


def _read_all(lists: DialectLists, guard: Guard) -> Any:
    @post("/notifications/mark-all-read", status_code=200, guards=[guard], opt=UNDOCUMENTED_OPT)
    async def read_all(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"marked_as_read": await lists.mark_all(identity_of(request).person, "read")}
        )

    return read_all


def _delete(lists: DialectLists, guard: Guard) -> Any:
    @delete(
        "/notifications/{identifier:uuid}", status_code=200, guards=[guard], opt=UNDOCUMENTED_OPT
    )
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        await lists.mark_notification(identity_of(request).person, str(identifier), "deleted")
        return json_response({"message": "Notification deleted successfully"})

    return remove
