"""A tenant's endpoints, changed and listed as the incidents' front end has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidings.channels.http.endpoint_reader import EndpointReader
from tidings.channels.http.endpoints import require_reachable
from tidings.channels.http.incidents.preference_words import UnknownWord
from tidings.channels.http.incidents.webhook_words import (
    WebhookChange,
    event_types,
    webhook_fields,
)
from tidings.channels.http.requests import AnyRequest
from tidings.channels.http.statements import Statements, check_event, request_name
from tidings.contracts.event import Event
from tidings.contracts.subjects import Person
from tidings.domains.endpoints.events import EndpointRegistered, EndpointWithdrawn
from tidings.projections.preferences.values import ENDPOINTS_LIMIT
from tidings.runtime.http.guards import identity_of
from tidings.runtime.http.problem import Problem
from tidings.runtime.settings import Settings


class IncidentWebhooks:
    """The webhooks of a tenant, each with the name that its front end gave it."""

    def __init__(
        self, settings: Settings, endpoints: EndpointReader, statements: Statements
    ) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._statements = statements

    async def list_webhooks(self, tenant: str) -> list[dict[str, Any]]:
        """Return all webhooks of a tenant."""
        return list(map(webhook_fields, await self._endpoints.own_endpoints(tenant, 0)))

    async def show(self, tenant: str, name: str, after: int = 0) -> dict[str, Any]:
        """Return one webhook, including the event `after`; raises Problem (404)."""
        for each in await self._endpoints.own_endpoints(tenant, after):
            if each.id == name:
                return webhook_fields(each)
        raise Problem(404, "not found", "there is no such webhook")

    async def save(self, request: AnyRequest, change: WebhookChange) -> dict[str, Any]:
        """Add a webhook, or replace the one of this name, and return it; raises Problem."""
        person = identity_of(request).person
        types = understood(lambda: event_types(change))
        known = {each.id: each for each in await self._endpoints.endpoints(person.tenant)}
        before = known.get(change.name)
        if before is None and len(known) >= ENDPOINTS_LIMIT:
            raise Problem(409, "too many", f"at most {ENDPOINTS_LIMIT} webhooks")
        require_reachable(change.url, self._settings)
        event = EndpointRegistered(
            endpoint_id=change.name,
            url=change.url,
            types=types,
            generation=before.value.generation if before else 1,
        )
        after = await append_events(self._statements, person, [event], request)
        return await self.show(person.tenant, change.name, after)

    async def delete(self, request: AnyRequest, name: str) -> None:
        """Withdraw a webhook; raises Problem (404)."""
        person = identity_of(request).person
        await self._endpoints.endpoint(person.tenant, name)
        event = EndpointWithdrawn(endpoint_id=name)
        await append_events(self._statements, person, [event], request)


async def append_events(
    statements: Statements, person: Person, events: Sequence[Event], request: AnyRequest
) -> int:
    """Append the events of a request and return the last sequence; raises Problem."""
    for event in events:
        check_event(event)
    return await statements.append(person, events, request_name(request, None))


def understood(make: Callable[[], Any]) -> Any:
    """Return what a request's words mean; raises Problem (422) for those without a meaning."""
    try:
        return make()
    except UnknownWord as error:
        raise Problem(422, "not usable", str(error), field=error.field) from None
