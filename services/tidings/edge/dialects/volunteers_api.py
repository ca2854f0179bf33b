"""The volunteer projects' lists, under `/notifications`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.params import Parameter
from tidings.edge.admission import IDENTITY
from tidings.edge.dialects import lists
from tidings.edge.dialects.volunteers import shown
from tidings.edge.edge import Edge
from tidings.runtime.openapi import UNDESCRIBED
from tidings.runtime.web import json

LIMIT = 100
OFFSET_LIMIT = 1_000_000
AnyRequest = Request[Any, Any, Any]


def handlers(edge: Edge) -> list[Any]:
    """The route handlers."""
    return [_list(edge), _count(edge), _read(edge), _read_all(edge), _delete(edge)]


def _list(edge: Edge) -> Any:
    @get("/notifications", opt=UNDESCRIBED)
    async def notifications(
        request: AnyRequest,
        unread_only: bool = False,
        limit: Annotated[int, Parameter(ge=1, le=LIMIT)] = 50,
        offset: Annotated[int, Parameter(ge=0, le=OFFSET_LIMIT)] = 0,
    ) -> Response[bytes]:
        person = request.scope["state"][IDENTITY].person
        found = await lists.slice_of(edge, person, unread=unread_only, limit=limit, offset=offset)
        told = [shown(each) for each in found.notifications]
        return json(
            {
                "notifications": told,
                "total": found.total,
                "limit": limit,
                "offset": offset,
                "unread_count": found.counts.unread,
            }
        )

    return notifications


def _count(edge: Edge) -> Any:
    @get("/notifications/unread-count", opt=UNDESCRIBED)
    async def unread_count(request: AnyRequest) -> Response[bytes]:
        return json(
            {
                "unread_count": (
                    await lists.counts(edge, request.scope["state"][IDENTITY].person)
                ).unread
            }
        )

    return unread_count


def _read(edge: Edge) -> Any:
    @patch("/notifications/{identifier:uuid}/read", opt=UNDESCRIBED)
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        found = await lists.mark(
            edge, request.scope["state"][IDENTITY].person, str(identifier), "read"
        )
        return json({"id": found.id, "is_read": True, "read_at": found.read})

    return read


def _read_all(edge: Edge) -> Any:
    @post("/notifications/mark-all-read", status_code=200, opt=UNDESCRIBED)
    async def read_all(request: AnyRequest) -> Response[bytes]:
        return json(
            {
                "marked_as_read": await lists.mark_all(
                    edge, request.scope["state"][IDENTITY].person, "read"
                )
            }
        )

    return read_all


def _delete(edge: Edge) -> Any:
    @delete("/notifications/{identifier:uuid}", status_code=200, opt=UNDESCRIBED)
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        await lists.mark(edge, request.scope["state"][IDENTITY].person, str(identifier), "deleted")
        return json({"message": "Notification deleted successfully"})

    return remove
