"""The requests that barbershop and incidents share: the tenant's product answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, delete, get
from msgspec import Meta, Struct
from tidings.contracts.subjects import Person
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.query import parse_query
from tidings.edge.dialects.engine.route_opt import shared_opt
from tidings.edge.dialects.products.barbershop import api as barbershop_api
from tidings.edge.dialects.products.incidents import api as incidents_api
from tidings.edge.dialects.products.incidents.inbox import IncidentInbox
from tidings.edge.dialects.tenants import SHARING_DIALECTS, TenantDialects
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.web import json_response
from tidings.runtime.setting_values import UNDECIDED_DIALECT
from tidings.runtime.settings import Settings

BASE = "/api/v1/notifications"
OPT = shared_opt("shared")
AnyRequest = Request[Any, Any, Any]


class BarbershopQuery(Struct, frozen=True, kw_only=True):
    """The parameters of the barbershop's list."""

    unread_only: bool = False
    limit: Annotated[int, Meta(ge=1)] = barbershop_api.DEFAULT_LIMIT
    offset: Annotated[int, Meta(ge=0, le=barbershop_api.OFFSET_LIMIT)] = 0


class SharedRequests(NamedTuple):
    """The answers of one product to the shared requests."""

    list_notifications: Callable[[AnyRequest, Person], Awaitable[Any]]
    delete_notification: Callable[[Person, str], Awaitable[Any]]


def barbershop_requests(lists: DialectLists) -> SharedRequests:
    """Return the answers of the barbershop."""

    async def list_notifications(request: AnyRequest, person: Person) -> Any:
        query = parse_query(request, BarbershopQuery)
        return await barbershop_api.list_notifications(
            lists, person, unread_only=query.unread_only, limit=query.limit, offset=query.offset
        )

    async def delete_notification(person: Person, identifier: str) -> Any:
        return await barbershop_api.delete_notification(lists, person, identifier)

    return SharedRequests(list_notifications, delete_notification)


def incidents_requests(inbox: IncidentInbox) -> SharedRequests:
    """Return the answers of the incidents."""

    async def list_notifications(request: AnyRequest, person: Person) -> Any:
        query = parse_query(request, incidents_api.ListQuery)
        return await incidents_api.list_notifications(inbox, person, query)

    async def delete_notification(person: Person, identifier: str) -> Any:
        return await incidents_api.delete_notification(inbox, person, identifier)

    return SharedRequests(list_notifications, delete_notification)


def dialect_of_defaults(settings: Settings) -> str:
    """Return the sharing dialect whose defaults hold for all, `UNDECIDED_DIALECT` if they differ.

    Otherwise a token of one product could get the tenant of another.
    """
    tenants, scopes = settings.default_tenants, settings.default_scopes
    defaults = {
        dialect: (tenants.value_for(None, dialect), scopes.value_for(None, dialect))
        for dialect in SHARING_DIALECTS
    }
    return next(
        (
            dialect
            for dialect, (tenant, scope) in defaults.items()
            if all(
                other_tenant in (None, tenant) and other_scope in (None, scope)
                for other_tenant, other_scope in defaults.values()
            )
        ),
        UNDECIDED_DIALECT,
    )


def handlers(
    tenants: TenantDialects, requests: Mapping[str, SharedRequests], guard: Guard
) -> list[Any]:
    """Return the handlers of the shared routes; `requests` has one entry for each dialect."""

    async def requests_of(request: AnyRequest) -> SharedRequests:
        return requests[await tenants.sharing_dialect(identity_of(request))]

    @get(BASE, guards=[guard], opt=OPT)
    async def notifications(request: AnyRequest) -> Response[bytes]:
        product = await requests_of(request)
        person = identity_of(request).person
        return json_response(await product.list_notifications(request, person))

    @delete(f"{BASE}/{{identifier:uuid}}", status_code=200, guards=[guard], opt=OPT)
    async def remove(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        product = await requests_of(request)
        person = identity_of(request).person
        return json_response(await product.delete_notification(person, str(identifier)))

    return [notifications, remove]
