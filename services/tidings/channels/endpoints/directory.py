"""The directory of endpoints: those of all tenants as they are now, and the news about them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from tidings.channels.decider.reading import Reading
from tidings.contracts.ids import unescape
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections.preferences.queries import ENDPOINTS, ENDPOINTS_REGISTERED
from tidings.projections.preferences.settings import Endpoint, read_settings
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime

CHANGING_DOMAINS = frozenset(("endpoint", "channel"))
"""The first words of the types of events that change an endpoint."""


class RegisteredEndpoint(NamedTuple):
    """An endpoint as it is now, and the event since which the tenant has it, without a break."""

    endpoint: Endpoint
    registered: int


class EndpointDirectory:
    """The usable endpoints of all tenants, and what wakes those who post to them."""

    def __init__(self, runtime: Runtime) -> None:
        self.ready = asyncio.Event()
        self._runtime = runtime
        self._reading = Reading(runtime)
        self._subjects = runtime.settings.subjects
        self._endpoints: dict[str, tuple[RegisteredEndpoint, ...]] = {}
        self._known = 0
        self._advanced = asyncio.Event()
        self._changed: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._news: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Follow all events, the earlier ones being read; raises Unavailable or LogLost."""
        jetstream, epoch = self._runtime.jetstream, self._runtime.epochs[EVENTS]
        after = (await stream_state(jetstream, EVENTS)).last_sequence
        await self._read(None, after)
        self.ready.set()
        batches = follow(jetstream, EVENTS, (EVERY_EVENT,), after=after, epoch=epoch)
        async with aclosing(batches):
            async for batch in batches:
                await self._take_notice(batch)

    def endpoints_of(self, number: int) -> Iterator[tuple[str, RegisteredEndpoint]]:
        """Return the usable endpoints of the tenants of a partition, with their tenant."""
        for tenant, endpoints in self._endpoints.items():
            if self._subjects.tenant_partition(tenant) == number:
                yield from ((tenant, each) for each in endpoints if not each.endpoint.suppressed)

    async def endpoint_at(
        self, tenant: str, endpoint: str, event: int
    ) -> RegisteredEndpoint | None:
        """Return an endpoint once all is known up to an event, None if it is not in use."""
        while self._known < event:
            await self._advanced.wait()
        for each in self._endpoints.get(tenant, ()):
            if each.endpoint.id == endpoint and not each.endpoint.suppressed:
                return each
        return None

    def changed(self, number: int) -> asyncio.Event:
        """Return the event that is set when an endpoint of a partition's tenants changes."""
        return self._changed[number]

    def subscribe(self, tenant: str, news: asyncio.Event) -> None:
        """Set an event from now on whenever something is appended to a tenant's events."""
        self._news.setdefault(tenant, set()).add(news)

    def unsubscribe(self, tenant: str, news: asyncio.Event) -> None:
        """Set an event no longer."""
        subscribed = self._news.get(tenant, set())
        subscribed.discard(news)
        if not subscribed:
            self._news.pop(tenant, None)

    async def _take_notice(self, batch: Sequence[StreamMessage]) -> None:
        places = [message.subject.split(".") for message in batch]
        if changed := {unescape(place[2]) for place in places if place[3] in CHANGING_DOMAINS}:
            await self._read(changed, batch[-1].sequence)
        elif batch:
            self._advance(batch[-1].sequence)
        if self._news:
            for tenant in {unescape(place[2]) for place in places}:
                for news in self._news.get(tenant, ()):
                    news.set()

    async def _read(self, tenants: Collection[str] | None, as_of: int) -> None:
        """Read the endpoints of tenants, or of all, once the read model knows an event."""
        await self._reading.wait_for_settings(as_of)
        parameters = {"tenants": None if tenants is None else sorted(tenants)}
        async with self._runtime.postgres.connection() as connection:
            rows: Any = await (await connection.execute(ENDPOINTS.encode(), parameters)).fetchall()
            query = ENDPOINTS_REGISTERED.encode()
            registered: Any = await (await connection.execute(query, parameters)).fetchall()
        since = {(tenant, endpoint): event for tenant, endpoint, event in registered}
        found = {
            tenant: tuple(
                RegisteredEndpoint(each, since.get((tenant, each.id), each.event))
                for each in endpoints
            )
            for tenant, endpoints in read_settings((), rows).endpoints.items()
        }
        changed = self._replace(tenants, found)
        self._advance(as_of)
        for number in {self._subjects.tenant_partition(tenant) for tenant in changed}:
            self._changed[number].set()

    def _advance(self, known: int) -> None:
        self._known = max(self._known, known)
        self._advanced.set()
        self._advanced = asyncio.Event()

    def _replace(
        self, tenants: Collection[str] | None, found: Mapping[str, tuple[RegisteredEndpoint, ...]]
    ) -> Collection[str]:
        """Replace the endpoints of tenants, or of all; return those that may have changed."""
        replaced = set(tenants) if tenants is not None else {*self._endpoints, *found}
        for tenant in replaced:
            self._endpoints.pop(tenant, None)
        self._endpoints |= found
        return replaced
