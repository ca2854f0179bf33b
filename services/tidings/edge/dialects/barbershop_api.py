"""The barbershop's lists, under `/api/v1/notifications`, and the statistics of its connections."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, route
from litestar.enums import HttpMethod
from litestar.params import Parameter
from tidings.edge.admission import IDENTITY
from tidings.edge.dialects import lists
from tidings.edge.dialects.barbershop import shown
from tidings.edge.edge import Edge
from tidings.runtime.openapi import UNDESCRIBED
from tidings.runtime.web import json

BASE = "/api/v1/notifications"
LIMIT = 100
PAGES_LIMIT = 10_000
CHANGES: list[HttpMethod] = [HttpMethod.PATCH, HttpMethod.POST, HttpMethod.PUT]
"""Whichever of these a client uses to mark."""
AnyRequest = Request[Any, Any, Any]
Page = Annotated[int, Parameter(ge=1, le=PAGES_LIMIT)]
PageSize = Annotated[int, Parameter(ge=1, le=LIMIT)]


def handlers(edge: Edge) -> list[Any]:
    """The route handlers."""
    return [
        *_lists(edge),
        _count(edge),
        _read(edge),
        _read_all(edge),
        _delete(edge),
        _clear(edge),
        _status(edge),
    ]


def _lists(edge: Edge) -> list[Any]:
    async def page_of(
        request: AnyRequest, page: int, page_size: int, *, unread: bool
    ) -> Response[bytes]:
        person = request.scope["state"][IDENTITY].person
        found = await lists.slice_of(
            edge, person, unread=unread, limit=page_size, offset=(page - 1) * page_size
        )
        told = [shown(each) for each in found.notifications]
        pages = -(-found.total // page_size)
        head = {"notifications": told, "total": found.total, "unread_count": found.counts.unread}
        return json({**head, "page": page, "page_size": page_size, "pages": pages})

    @get(BASE, opt=UNDESCRIBED)
    async def notifications(
        request: AnyRequest, page: Page = 1, page_size: PageSize = 20
    ) -> Response[bytes]:
        return await page_of(request, page, page_size, unread=False)

    @get(f"{BASE}/unread", opt=UNDESCRIBED)
    async def unread(
        request: AnyRequest, page: Page = 1, page_size: PageSize = 20
    ) -> Response[bytes]:
        return await page_of(request, page, page_size, unread=True)

    return [notifications, unread]


def _count(edge: Edge) -> Any:
    @get(f"{BASE}/unread-count", opt=UNDESCRIBED)
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
    @route(
        f"{BASE}/{{identifier:uuid}}/read", http_method=CHANGES, status_code=200, opt=UNDESCRIBED
    )
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        return json(
            shown(
                await lists.mark(
                    edge, request.scope["state"][IDENTITY].person, str(identifier), "read"
                )
            )
        )

    return read


def _read_all(edge: Edge) -> Any:
    @route(
        [f"{BASE}/read-all", f"{BASE}/mark-all-read"],
        http_method=CHANGES,
        status_code=200,
        opt=UNDESCRIBED,
    )
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
    @delete(f"{BASE}/{{identifier:uuid}}", status_code=200, opt=UNDESCRIBED)
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        found = await lists.mark(
            edge, request.scope["state"][IDENTITY].person, str(identifier), "deleted"
        )
        return json({"id": found.id, "deleted": True})

    return remove


def _clear(edge: Edge) -> Any:
    @delete([BASE, f"{BASE}/clear"], status_code=200, opt=UNDESCRIBED)
    async def clear(request: AnyRequest) -> Response[bytes]:
        return json(
            {
                "deleted": await lists.mark_all(
                    edge, request.scope["state"][IDENTITY].person, "deleted"
                )
            }
        )

    return clear


def _status(edge: Edge) -> Any:
    @get("/api/v1/ws/status", opt=UNDESCRIBED)
    async def status(request: AnyRequest) -> Response[bytes]:
        """Of the asker's own tenant, on this edge."""
        person = request.scope["state"][IDENTITY].person
        feeds = edge.feeds.each(lambda feed: feed.person.tenant == person.tenant)
        return json(
            {
                "status": "draining" if edge.closing else "active",
                "total_connections": sum(len(feed.tabs) for feed in feeds),
                "connected_users": len(feeds),
                "your_connections": len(edge.feeds.of(person)),
            }
        )

    return status
