"""The barbershop's lists, under `/api/v1/notifications`, and the statistics of its connections."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, route
from litestar.enums import HttpMethod
from litestar.params import Parameter
from tidings.edge.connection.drain import Drain
from tidings.edge.delivery.hub import Hub
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.products.barbershop.frames import notification_fields
from tidings.edge.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.web import json_response

BASE = "/api/v1/notifications"
LIMIT = 100
PAGES_LIMIT = 10_000
CHANGES: list[HttpMethod] = [HttpMethod.PATCH, HttpMethod.POST, HttpMethod.PUT]
"""Front ends of different versions mark with different methods."""
AnyRequest = Request[Any, Any, Any]
Page = Annotated[int, Parameter(ge=1, le=PAGES_LIMIT)]
PageSize = Annotated[int, Parameter(ge=1, le=LIMIT)]


def handlers(lists: DialectLists, hub: Hub, drain: Drain, guard: Guard) -> list[Any]:
    """Return the route handlers of the barbershop."""
    return [
        *_lists(lists, guard),
        _count(lists, guard),
        _read(lists, guard),
        _read_all(lists, guard),
        _delete(lists, guard),
        _clear(lists, guard),
        _status(hub, drain, guard),
    ]


def _lists(lists: DialectLists, guard: Guard) -> list[Any]:
    async def page_of(
        request: AnyRequest, page: int, page_size: int, *, unread: bool
    ) -> Response[bytes]:
        person = identity_of(request).person
        slice_ = await lists.read_slice(
            person, unread=unread, limit=page_size, offset=(page - 1) * page_size
        )
        shown = [notification_fields(item) for item in slice_.notifications]
        pages = -(-slice_.total // page_size)
        head = {"notifications": shown, "total": slice_.total, "unread_count": slice_.counts.unread}
        return json_response({**head, "page": page, "page_size": page_size, "pages": pages})

    @get(BASE, guards=[guard], opt=UNDOCUMENTED_OPT)
    async def notifications(
        request: AnyRequest, page: Page = 1, page_size: PageSize = 20
    ) -> Response[bytes]:
        return await page_of(request, page, page_size, unread=False)

    @get(f"{BASE}/unread", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def unread(
        request: AnyRequest, page: Page = 1, page_size: PageSize = 20
    ) -> Response[bytes]:
        return await page_of(request, page, page_size, unread=True)

    return [notifications, unread]


def _count(lists: DialectLists, guard: Guard) -> Any:
    @get(f"{BASE}/unread-count", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def unread_count(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"unread_count": (await lists.read_counts(identity_of(request).person)).unread}
        )

    return unread_count


def _read(lists: DialectLists, guard: Guard) -> Any:
    @route(
        f"{BASE}/{{identifier:uuid}}/read",
        http_method=CHANGES,
        status_code=200,
        guards=[guard],
        opt=UNDOCUMENTED_OPT,
    )
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        return json_response(
            notification_fields(
                await lists.mark_notification(identity_of(request).person, str(identifier), "read")
            )
        )

    return read


def _read_all(lists: DialectLists, guard: Guard) -> Any:
    @route(
        [f"{BASE}/read-all", f"{BASE}/mark-all-read"],
        http_method=CHANGES,
        status_code=200,
        guards=[guard],
        opt=UNDOCUMENTED_OPT,
    )
    async def read_all(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"marked_as_read": await lists.mark_all(identity_of(request).person, "read")}
        )

    return read_all


def _delete(lists: DialectLists, guard: Guard) -> Any:
    @delete(f"{BASE}/{{identifier:uuid}}", status_code=200, guards=[guard], opt=UNDOCUMENTED_OPT)
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        notification = await lists.mark_notification(
            identity_of(request).person, str(identifier), "deleted"
        )
        return json_response({"id": notification.id, "deleted": True})

    return remove


def _clear(lists: DialectLists, guard: Guard) -> Any:
    @delete([BASE, f"{BASE}/clear"], status_code=200, guards=[guard], opt=UNDOCUMENTED_OPT)
    async def clear(request: AnyRequest) -> Response[bytes]:
        return json_response(
            {"deleted": await lists.mark_all(identity_of(request).person, "deleted")}
        )

    return clear


def _status(hub: Hub, drain: Drain, guard: Guard) -> Any:
    @get("/api/v1/ws/status", guards=[guard], opt=UNDOCUMENTED_OPT)
    async def status(request: AnyRequest) -> Response[bytes]:
        """Return the connection counts of the caller's tenant on this edge."""
        person = identity_of(request).person
        streams = hub.streams(lambda stream: stream.person.tenant == person.tenant)
        return json_response(
            {
                "status": "draining" if drain.started else "active",
                "total_connections": sum(len(stream.subscribers) for stream in streams),
                "connected_users": len(streams),
                "your_connections": len(hub.subscribers_of(person)),
            }
        )

    return status
