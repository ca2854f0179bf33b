"""The routes of a tenant's endpoints, for the scope `admin`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import uuid4

from litestar import Response, delete, get, post
from litestar.params import Parameter
from tidings.channels.http.endpoint_reader import EndpointReader
from tidings.channels.http.requests import (
    BODY_LIMIT_BYTES,
    AfterParameter,
    AnyRequest,
    IdParameter,
    changed_response,
    parse_body,
)
from tidings.channels.http.statements import OperationId, Statements, check_event, request_name
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret
from tidings.contracts.http_bodies.endpoints import (
    EndpointDeliveries,
    EndpointSecret,
    NewEndpoint,
    OwnEndpoints,
    ReplayRequest,
)
from tidings.contracts.http_bodies.settings import SettingsChanged
from tidings.domains.endpoints.events import (
    EndpointChanged,
    EndpointRegistered,
    EndpointReplayed,
    EndpointWithdrawn,
)
from tidings.projections.preferences.values import ENDPOINTS_LIMIT
from tidings.runtime.address_guard import FORBIDDEN, states_private_address
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.settings import Settings

OVERLAP = timedelta(days=1)
"""For so long after a rotation, the secret before signs too."""
SHOWN = timedelta(days=1)
PATH = "/v1/endpoints/{identifier:str}"

SinceParameter = Annotated[
    datetime | None, Parameter(description="The earliest attempt; if absent, a day ago.")
]

LIST = Operation(OwnEndpoints, scope=ADMIN, problems=(409, 503))
REGISTER = Operation(
    EndpointSecret,
    bodies={JSON: NewEndpoint},
    scope=ADMIN,
    problems=(409, 413, 422, 503),
    example={"url": "https://hooks.example.org/tidings", "types": ["task.assigned"]},
)
WITHDRAW = Operation(SettingsChanged, scope=ADMIN, problems=(404, 503))
ROTATE = Operation(EndpointSecret, scope=ADMIN, problems=(404, 409, 503))
REPLAY = Operation(
    SettingsChanged,
    bodies={JSON: ReplayRequest},
    scope=ADMIN,
    problems=(404, 413, 422, 503),
    example={"since": "2026-12-01T08:00:00Z"},
)
DELIVERIES = Operation(EndpointDeliveries, scope=ADMIN, problems=(404, 503))


def handlers(
    settings: Settings, reader: EndpointReader, statements: Statements, guard: Guard
) -> list[Any]:
    """Return the route handlers of endpoints; raises InvalidSettings."""
    secrets = WebhookSecrets(settings.channel_key) if settings.channel_secret else None
    return [
        _list(reader, guard),
        _register(settings, secrets, reader, statements, guard),
        _withdraw(reader, statements, guard),
        _rotate(secrets, reader, statements, guard),
        _replay(reader, statements, guard),
        _deliveries(reader, guard),
    ]


def require_reachable(url: str, settings: Settings) -> None:
    """Raise Problem (422) if a web address is one of an inner network."""
    host = urlsplit(url).hostname
    if host and states_private_address(host, settings.webhook_networks):
        raise Problem(422, "not usable", FORBIDDEN, field="url")


def _list(reader: EndpointReader, guard: Guard) -> Any:
    @get("/v1/endpoints", guards=[guard], opt=operation_opt(LIST))
    async def endpoints(request: AnyRequest, after: AfterParameter = 0) -> Response[bytes]:
        """List the tenant's webhooks, and how far each one is."""
        tenant = identity_of(request).person.tenant
        return json_response(OwnEndpoints(endpoints=await reader.own_endpoints(tenant, after)))

    return endpoints


def _register(
    settings: Settings,
    secrets: WebhookSecrets | None,
    reader: EndpointReader,
    statements: Statements,
    guard: Guard,
) -> Any:
    @post(
        "/v1/endpoints",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(REGISTER),
    )
    async def register_endpoint(request: AnyRequest, op: OperationId = None) -> Response[bytes]:
        """Register a webhook, which gets the tenant's events of some types from now on.

        The answer has the secret that verifies them; it is shown here and after a rotation only.
        """
        person = identity_of(request).person
        signing = _require_secrets(secrets)
        body: NewEndpoint = await parse_body(request, NewEndpoint)
        known = {each.id: each for each in await reader.endpoints(person.tenant)}
        replaced = known.get(body.id or "")
        generation = replaced.value.generation if replaced else 1
        name = request_name(request, op)
        event = EndpointRegistered(
            endpoint_id=body.id or str(uuid4()),
            url=body.url,
            types=body.types,
            generation=generation,
        )
        check_event(event)
        require_reachable(body.url, settings)
        if replaced is None and len(known) >= ENDPOINTS_LIMIT:
            detail = f"at most {ENDPOINTS_LIMIT} endpoints; withdraw one of them first"
            raise Problem(409, "too many", detail)
        sequence = await statements.append(person, [event], name)
        secret = signing.secret_of(person.tenant, event.endpoint_id, generation)
        return json_response(
            EndpointSecret(
                id=event.endpoint_id,
                secret=shown_secret(secret),
                generation=generation,
                sequence=sequence,
            )
        )

    return register_endpoint


def _withdraw(reader: EndpointReader, statements: Statements, guard: Guard) -> Any:
    @delete(PATH, status_code=200, guards=[guard], opt=operation_opt(WITHDRAW))
    async def withdraw_endpoint(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Withdraw a webhook: nothing is posted there any more."""
        person = identity_of(request).person
        await reader.endpoint(person.tenant, identifier)
        event = EndpointWithdrawn(endpoint_id=identifier)
        return changed_response(await statements.append(person, [event], request_name(request, op)))

    return withdraw_endpoint


def _rotate(
    secrets: WebhookSecrets | None, reader: EndpointReader, statements: Statements, guard: Guard
) -> Any:
    @post(f"{PATH}/rotate", status_code=200, guards=[guard], opt=operation_opt(ROTATE))
    async def rotate_secret(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Give a webhook another secret; for a day, the one before signs too."""
        person = identity_of(request).person
        signing = _require_secrets(secrets)
        value = (await reader.endpoint(person.tenant, identifier)).value
        event = EndpointChanged(
            endpoint_id=identifier,
            url=value.url,
            types=value.types,
            generation=value.generation + 1,
            previous_until=datetime.now(UTC) + OVERLAP,
        )
        sequence = await statements.append(person, [event], request_name(request, op))
        secret = signing.secret_of(person.tenant, identifier, event.generation)
        return json_response(
            EndpointSecret(
                id=identifier,
                secret=shown_secret(secret),
                generation=event.generation,
                sequence=sequence,
                previous_until=event.previous_until,
            )
        )

    return rotate_secret


def _replay(reader: EndpointReader, statements: Statements, guard: Guard) -> Any:
    @post(
        f"{PATH}/replay",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(REPLAY),
    )
    async def replay_events(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Post all events of the webhook's types since a time again, each with its id, in order."""
        person = identity_of(request).person
        body: ReplayRequest = await parse_body(request, ReplayRequest)
        await reader.endpoint(person.tenant, identifier)
        event = EndpointReplayed(endpoint_id=identifier, since=body.since)
        return changed_response(await statements.append(person, [event], request_name(request, op)))

    return replay_events


def _deliveries(reader: EndpointReader, guard: Guard) -> Any:
    @get(f"{PATH}/deliveries", guards=[guard], opt=operation_opt(DELIVERIES))
    async def endpoint_deliveries(
        request: AnyRequest,
        identifier: IdParameter,
        since: SinceParameter = None,
    ) -> Response[bytes]:
        """List attempts at a webhook since a time, up to 100, the earliest first."""
        tenant = identity_of(request).person.tenant
        await reader.endpoint(tenant, identifier)
        moment = since or datetime.now(UTC) - SHOWN
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        found = await reader.deliveries(tenant, identifier, moment)
        return json_response(EndpointDeliveries(deliveries=found))

    return endpoint_deliveries


def _require_secrets(secrets: WebhookSecrets | None) -> WebhookSecrets:
    if secrets is None:
        raise Problem(
            409, "conflict", "TIDINGS_CHANNEL_SECRET is not set, so nothing can be signed"
        )
    return secrets
