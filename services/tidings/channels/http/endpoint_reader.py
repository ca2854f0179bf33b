"""Reads a tenant's endpoints: as they are set, and how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tidings.channels.http.settings_reader import SettingsReader
from tidings.contracts.endpoint_attempts import EndpointAttempt, decode_endpoint_attempt
from tidings.contracts.http_bodies.endpoints import (
    EndpointDelivery,
    EndpointSuppression,
    OwnEndpoint,
)
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.projections.preferences.queries import ENDPOINTS
from tidings.projections.preferences.settings import Endpoint, read_settings
from tidings.projections.preferences.values import TENANT
from tidings.runtime.http.problem import Problem
from tidings.runtime.log.read import first_sequence_since, last_message, read
from tidings.runtime.process import Runtime

DELIVERIES_LIMIT = 100


class EndpointReader:
    """Reads endpoints and the entries about them."""

    def __init__(self, runtime: Runtime, settings: SettingsReader) -> None:
        self._runtime = runtime
        self._settings = settings
        self._subjects = runtime.settings.subjects

    async def endpoints(self, tenant: str, after: int | None = None) -> Sequence[Endpoint]:
        """Return a tenant's endpoints, including the event `after`, or all that was acknowledged.

        Raises Problem or Unavailable.
        """
        owner = Person(tenant, TENANT)
        if after is None:
            await self._settings.read_newest(owner)
        else:
            await self._settings.read(owner, after)
        async with self._runtime.postgres.connection() as connection:
            parameters = {"tenants": [tenant]}
            rows: Any = await (await connection.execute(ENDPOINTS.encode(), parameters)).fetchall()
        return read_settings((), rows).endpoints.get(tenant, ())

    async def endpoint(self, tenant: str, identifier: str) -> Endpoint:
        """Return one endpoint of a tenant; raises Problem (404)."""
        for each in await self.endpoints(tenant):
            if each.id == identifier:
                return each
        raise Problem(404, "not found", "the tenant has no such endpoint")

    async def own_endpoints(self, tenant: str, after: int) -> tuple[OwnEndpoint, ...]:
        """Return a tenant's endpoints, each with its last attempt; raises Problem."""
        endpoints = await self.endpoints(tenant, after)
        states = await asyncio.gather(*(self._state(tenant, each.id) for each in endpoints))
        return tuple(map(_own_endpoint, endpoints, states))

    async def deliveries(
        self, tenant: str, identifier: str, since: datetime
    ) -> tuple[EndpointDelivery, ...]:
        """Return the first attempts at an endpoint since a moment."""
        jetstream = self._runtime.jetstream
        subject = self._subjects.endpoint_subject(tenant, identifier)
        first = await first_sequence_since(jetstream, NOTIFICATIONS, subject, since)
        if first is None:
            return ()
        page = await read(
            jetstream, NOTIFICATIONS, subject, after=first - 1, limit=DELIVERIES_LIMIT
        )
        return tuple(_delivery(decode_endpoint_attempt(message.data)) for message in page)

    async def _state(self, tenant: str, identifier: str) -> EndpointAttempt | None:
        subject = self._subjects.endpoint_subject(tenant, identifier)
        message = await last_message(self._runtime.jetstream, NOTIFICATIONS, subject)
        return decode_endpoint_attempt(message.data) if message else None


def _own_endpoint(endpoint: Endpoint, state: EndpointAttempt | None) -> OwnEndpoint:
    value, off = endpoint.value, endpoint.suppressed
    return OwnEndpoint(
        id=endpoint.id,
        url=value.url,
        types=value.types,
        generation=value.generation,
        previous_until=value.previous_until,
        suppressed=EndpointSuppression(reason=off.reason, code=off.code)
        if off and off.reason != "withdrawn"
        else None,
        position=state.position if state else endpoint.event,
        failing_since=state.failing_since if state else None,
        last=_delivery(state) if state else None,
    )


def _delivery(attempt: EndpointAttempt) -> EndpointDelivery:
    return EndpointDelivery(
        state=attempt.state,
        at=attempt.at,
        event=attempt.event,
        type=attempt.type,
        code=attempt.code,
        attempts=attempt.attempts,
        until=attempt.until,
    )
