"""The public status of the barbershop's connections, at `/api/v1/ws/status`; needs no token."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Set
from itertools import islice
from typing import Any

from litestar import Response, get
from tidings.contracts.subjects import Person
from tidings.edge.connection.drain import Drain
from tidings.edge.dialects.engine.route_opt import shared_opt
from tidings.projections.audience.queries import connections_by_object
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.web import json_response, problem_response
from tidings.runtime.readmodels.postgres import Postgres

STATUS = "/api/v1/ws/status"
CACHE_TTL_SECONDS = 2.0
"""An edge counts and queries Postgres at most this often, however many requests arrive."""
PEOPLE_LIMIT = 50_000
LOCATIONS_LIMIT = 1000
SLICE_PEOPLE = 2000
"""The number of users that are counted before other tasks get a turn."""
LOCATION = "location:"

log = logging.getLogger("tidings.status")
_by_location_query = connections_by_object(LOCATION, "staff", LOCATIONS_LIMIT)


class Locations:
    """Counts the connections of each location's staff, of up to `PEOPLE_LIMIT` users."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def count_connections(self, counts: Counter[Person]) -> dict[str, int]:
        """Return the numbers of the locations with most connections; raises Unavailable."""
        people = list(islice(counts.items(), PEOPLE_LIMIT))
        parameters = (
            [person.tenant for person, _ in people],
            [person.user for person, _ in people],
            [count for _, count in people],
        )
        async with self._postgres.connection() as connection:
            rows = await (
                await connection.execute(_by_location_query.encode(), parameters)
            ).fetchall()
        return {str(row[0]): int(row[1]) for row in rows}


class PublicStatus:
    """The numbers of the connections to all edges, in the tenants that are barbershops.

    The edges exchange their counts as presence: those of a killed edge vanish after its TTL.
    """

    def __init__(
        self,
        list_connections: Callable[[float], list[tuple[Person, int]]],
        count_by_location: Callable[[Counter[Person]], Awaitable[dict[str, int]]],
        drain: Drain,
        select_barbershops: Callable[[Set[str]], Awaitable[Set[str]]],
    ) -> None:
        self._list_connections = list_connections
        self._count_by_location = count_by_location
        self._drain = drain
        self._select_barbershops = select_barbershops
        self._barbershops: Set[str] = frozenset()
        self._lock = asyncio.Lock()
        self._connections: dict[str, Any] = {}
        self._by_location: dict[str, int] = {}
        self._expires = 0.0

    async def read(self) -> dict[str, Any]:
        """Return the status and the numbers, which are at most two seconds old."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._expires <= now:
                self._connections = await self._read_connections(now)
                self._expires = asyncio.get_running_loop().time() + CACHE_TTL_SECONDS
        status = "draining" if self._drain.started else "active"
        return {"status": status, "connections": self._connections}

    async def _read_connections(self, now: float) -> dict[str, Any]:
        connections, counts = self._list_connections(now), Counter[Person]()
        try:  # a probe must not fail while Postgres is away
            tenants = {person.tenant for person, _ in connections}
            self._barbershops = await self._select_barbershops(tenants)
            counts = await self._count_people(connections)
            self._by_location = await self._count_by_location(counts) if counts else {}
        except Unavailable as error:
            log.warning("the status shows the last known tenants and locations: %s", error)
            counts = await self._count_people(connections)
        return {
            "total_users": len(counts),
            "total_connections": counts.total(),
            "by_location": self._by_location,
        }

    async def _count_people(self, connections: list[tuple[Person, int]]) -> Counter[Person]:
        """Return the connections of each user of a barbershop, to all edges together."""
        counts = Counter[Person]()
        for start in range(0, len(connections), SLICE_PEOPLE):
            for person, count in connections[start : start + SLICE_PEOPLE]:
                if person.tenant in self._barbershops:
                    counts[person] += count
            await asyncio.sleep(0)
        return counts


def handlers(status: PublicStatus, *, public: bool) -> list[Any]:
    """Return the handler of the route, which answers 404 unless the status is public."""

    async def read_status() -> dict[str, Any]:
        """Read the status; a function, because Litestar deep-copies the objects of a route."""
        return await status.read()

    @get(STATUS, opt=shared_opt("barbershop", scope=None))
    async def connection_status() -> Response[bytes]:
        """Return the numbers of users and connections, in all and at each location."""
        if not public:
            return problem_response(404, "not found", "TIDINGS_PUBLIC_STATUS is off")
        return json_response(await read_status())

    return [connection_status]
