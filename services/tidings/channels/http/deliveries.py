"""The routes of deliveries: what became of what was to leave beyond the page, and why."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from litestar import Response, get, post
from litestar.params import Parameter
from tidings.channels.http.delivery_reader import DeliveryReader
from tidings.channels.http.delivery_requests import (
    DeliveryRequests,
    RequestRefused,
    UnknownDelivery,
)
from tidings.channels.http.requests import LAST_SEQUENCE, AnyRequest
from tidings.contracts.deliveries import Request
from tidings.contracts.http_bodies.deliveries import DeliveryPage, DeliveryState, DeliveryStatus
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, ID_PATTERN
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.guards import INBOX_SCOPE, Guard, identity_of
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

PAGE_LIMIT = 100

READ = Operation(DeliveryPage, scope=INBOX_SCOPE, problems=(503,))
REQUEST = Operation(DeliveryStatus, scope=ADMIN, problems=(404, 409, 503))
UserParameter = Annotated[
    str | None,
    Parameter(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=ID_PATTERN.replace(r"\Z", "$")),
]
UUID_PATTERN = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
NotificationParameter = Annotated[str | None, Parameter(pattern=UUID_PATTERN)]
DeliveryParameter = Annotated[str, Parameter(pattern=UUID_PATTERN)]


def handlers(
    reader: DeliveryReader, requests: DeliveryRequests, people: Guard, operators: Guard
) -> list[Any]:
    """Return the route handlers of deliveries."""
    return [_list(reader, people), _retry(requests, operators), _cancel(requests, operators)]


def _list(reader: DeliveryReader, guard: Guard) -> Any:
    @get("/v1/deliveries", guards=[guard], opt=operation_opt(READ))
    async def deliveries(
        request: AnyRequest,
        notification: NotificationParameter = None,
        state_: Annotated[DeliveryState | None, Parameter(query="state")] = None,
        user: UserParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[int, Parameter(ge=1, le=LAST_SEQUENCE)] = LAST_SEQUENCE,
    ) -> Response[bytes]:
        """List what was sent, is held or was dropped, and why; the newest change first.

        Without the scope `admin` it is the caller's own; with it, that of `user` or of all.
        """
        person = _person_allowed(identity_of(request), user)
        values = {
            "tenant": person.tenant,
            "limit": limit,
            "before": before,
            "user": person.user,
            "state": state_,
            "notification": notification,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return json_response(await reader.read_page(given))

    return deliveries


def _retry(requests: DeliveryRequests, guard: Guard) -> Any:
    @post(
        "/v1/deliveries/{identifier:str}/retry",
        status_code=200,
        guards=[guard],
        opt=operation_opt(REQUEST),
    )
    async def retry_delivery(request: AnyRequest, identifier: DeliveryParameter) -> Response[bytes]:
        """Decide anew about a delivery that failed, was dropped, is doubtful, or is to be repeated.

        It is sent only if nothing keeps it from that now, such as that it was read.
        """
        return await _requested(requests, request, identifier, "retry")

    return retry_delivery


def _cancel(requests: DeliveryRequests, guard: Guard) -> Any:
    @post(
        "/v1/deliveries/{identifier:str}/cancel",
        status_code=200,
        guards=[guard],
        opt=operation_opt(REQUEST),
    )
    async def cancel_delivery(
        request: AnyRequest, identifier: DeliveryParameter
    ) -> Response[bytes]:
        """Drop a delivery that was not sent; one that is being sent is not repeated."""
        return await _requested(requests, request, identifier, "cancel")

    return cancel_delivery


async def _requested(
    requests: DeliveryRequests, http: AnyRequest, identifier: str, request: Request
) -> Response[bytes]:
    person = identity_of(http).person
    try:
        found = await requests.request(identifier, request, tenant=person.tenant, by=person.user)
    except UnknownDelivery as error:
        raise Problem(404, "not found", str(error)) from None
    except RequestRefused as error:
        raise Problem(409, "conflict", str(error)) from None
    return json_response(found.status)


class _Owner(NamedTuple):
    """A tenant, and one of its users or all of them."""

    tenant: str
    user: str | None


def _person_allowed(identity: Identity, user: str | None) -> _Owner:
    person = identity.person
    if ADMIN in identity.scopes:
        return _Owner(person.tenant, user)
    if user not in (None, person.user):
        raise Problem(403, "forbidden", "those of other users need the scope `admin`", field="user")
    return _Owner(person.tenant, person.user)
