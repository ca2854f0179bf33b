"""The barbershop's lists, under `/api/v1/notifications`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, route
from litestar.enums import HttpMethod
from litestar.params import Parameter
from tidings.contracts.subjects import Person
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.route_opt import dialect_opt
from tidings.edge.dialects.products.barbershop.frames import Barbershop
from tidings.edge.dialects.products.barbershop.words import list_item
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.web import json_response

BASE = "/api/v1/notifications"
DEFAULT_LIMIT = 50
LIMIT = 100
OFFSET_LIMIT = 1_000_000
CHANGES: list[HttpMethod] = [HttpMethod.PATCH, HttpMethod.POST, HttpMethod.PUT]
"""Front ends of different versions mark with different methods."""
OPT = dialect_opt(Barbershop.name)
AnyRequest = Request[Any, Any, Any]
Limit = Annotated[int, Parameter(ge=1)]
Offset = Annotated[int, Parameter(ge=0, le=OFFSET_LIMIT)]


async def list_notifications(
    lists: DialectLists, person: Person, *, unread_only: bool, limit: int, offset: int
) -> list[dict[str, Any]]:
    """Return a part of the list, newest first; a limit above 100 counts as 100."""
    slice_ = await lists.read_slice(
        person, unread=unread_only, limit=min(limit, LIMIT), offset=offset
    )
    return [list_item(notification) for notification in slice_.notifications]


async def count_unread(lists: DialectLists, person: Person) -> dict[str, int]:
    """Return the number of unread notifications."""
    return {"count": (await lists.read_counts(person)).unread}


async def mark_read(lists: DialectLists, person: Person, identifier: str) -> dict[str, str]:
    """Mark one notification as read; raises Problem if the user has no such notification."""
    await lists.mark_notification(person, identifier, "read")
    return {"message": "Notification marked as read"}


async def mark_all_read(lists: DialectLists, person: Person) -> dict[str, str]:
    """Mark all notifications as read."""
    await lists.mark_all(person, "read")
    return {"message": "All notifications marked as read"}


async def delete_notification(
    lists: DialectLists, person: Person, identifier: str
) -> dict[str, str]:
    """Delete one notification; raises Problem if the user has no such notification."""
    await lists.mark_notification(person, identifier, "deleted")
    return {"message": "Notification deleted"}


async def delete_all(lists: DialectLists, person: Person) -> dict[str, str]:
    """Delete all notifications."""
    await lists.mark_all(person, "deleted")
    return {"message": "All notifications cleared"}


def handlers(lists: DialectLists, guard: Guard) -> list[Any]:
    """Return the handlers of the routes that no other product has."""
    return [
        _unread(lists, guard),
        _count(lists, guard),
        _read(lists, guard),
        _read_all(lists, guard),
        _clear(lists, guard),
    ]


def _unread(lists: DialectLists, guard: Guard) -> Any:
    @get(f"{BASE}/unread", guards=[guard], opt=OPT)
    async def unread(
        request: AnyRequest, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> Response[bytes]:
        return json_response(
            await list_notifications(
                lists, identity_of(request).person, unread_only=True, limit=limit, offset=offset
            )
        )

    return unread


def _count(lists: DialectLists, guard: Guard) -> Any:
    @get(f"{BASE}/unread-count", guards=[guard], opt=OPT)
    async def unread_count(request: AnyRequest) -> Response[bytes]:
        return json_response(await count_unread(lists, identity_of(request).person))

    return unread_count


def _read(lists: DialectLists, guard: Guard) -> Any:
    @route(
        f"{BASE}/{{identifier:uuid}}/read",
        http_method=CHANGES,
        status_code=200,
        guards=[guard],
        opt=OPT,
    )
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        return json_response(await mark_read(lists, identity_of(request).person, str(identifier)))

    return read


def _read_all(lists: DialectLists, guard: Guard) -> Any:
    @route(
        [f"{BASE}/read-all", f"{BASE}/mark-all-read"],
        http_method=CHANGES,
        status_code=200,
        guards=[guard],
        opt=OPT,
    )
    async def read_all(request: AnyRequest) -> Response[bytes]:
        return json_response(await mark_all_read(lists, identity_of(request).person))

    return read_all


def _clear(lists: DialectLists, guard: Guard) -> Any:
    @delete([BASE, f"{BASE}/clear"], status_code=200, guards=[guard], opt=OPT)
    async def clear(request: AnyRequest) -> Response[bytes]:
        return json_response(await delete_all(lists, identity_of(request).person))

    return clear
