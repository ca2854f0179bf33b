"""The field service's list, under `/api/notifications`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, route
from litestar.enums import HttpMethod
from litestar.params import Parameter
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.route_opt import dialect_opt
from tidings.edge.dialects.products.field_service.frames import FieldService
from tidings.edge.dialects.products.field_service.words import notification_fields
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.web import json_response

BASE = "/api/notifications"
LIMIT = 100
OFFSET_LIMIT = 1_000_000
OPT = dialect_opt(FieldService.name)
AnyRequest = Request[Any, Any, Any]


def handlers(lists: DialectLists, guard: Guard) -> list[Any]:
    """Return the route handlers of the field service."""
    return [_list(lists, guard), _read(lists, guard)]


def _list(lists: DialectLists, guard: Guard) -> Any:
    @get(BASE, guards=[guard], opt=OPT)
    async def notifications(
        request: AnyRequest,
        unread_only: bool = False,
        limit: Annotated[int, Parameter(ge=1)] = 50,
        offset: Annotated[int, Parameter(ge=0, le=OFFSET_LIMIT)] = 0,
    ) -> Response[bytes]:
        """Return notifications, newest first; a larger `limit` is cut to `LIMIT`."""
        person = identity_of(request).person
        slice_ = await lists.read_slice(
            person, unread=unread_only, limit=min(limit, LIMIT), offset=offset
        )
        return json_response([notification_fields(item) for item in slice_.notifications])

    return notifications


def _read(lists: DialectLists, guard: Guard) -> Any:
    @route(
        f"{BASE}/{{identifier:uuid}}/read",
        http_method=[HttpMethod.PATCH, HttpMethod.POST],
        status_code=200,
        guards=[guard],
        opt=OPT,
    )
    async def read(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        person = identity_of(request).person
        notification = await lists.mark_notification(person, str(identifier), "read")
        return json_response(notification_fields(notification))

    return read
