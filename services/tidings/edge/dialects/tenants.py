"""The product of a tenant, for requests whose path two products share."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tidings.contracts.subjects import Person
from tidings.edge.delivery.hub import Hub
from tidings.projections.audience.queries import DIALECTS_OF_TENANTS
from tidings.runtime.auth.identity import Identity
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem
from tidings.runtime.readmodels.postgres import Postgres

SHARING_DIALECTS = ("barbershop", "incidents")
"""The dialects whose requests have the same paths."""
CACHE_SECONDS = 3.0
CACHE_LIMIT_TENANTS = 10_000


class _CachedDialect(NamedTuple):
    """The dialect of a tenant's newest `tenant.configured`, None without one; valid for a while."""

    dialect: str | None
    valid_until: float


class TenantDialects:
    """Decides the dialect of a tenant.

    The first of these decides: the setting TIDINGS_DIALECTS, the claim `dialect` of the token, the
    newest event `tenant.configured`, the open connections of the person to this edge.
    """

    def __init__(self, by_setting: Mapping[str, str], hub: Hub, postgres: Postgres) -> None:
        self._by_setting = by_setting
        self._hub = hub
        self._postgres = postgres
        self._cache: OrderedDict[str, _CachedDialect] = OrderedDict()

    async def dialects_of(self, tenants: Collection[str]) -> dict[str, str]:
        """Return the dialects of those tenants that the setting or an event decides.

        Raises Unavailable.
        """
        decided = {
            tenant: self._by_setting[tenant] for tenant in tenants if tenant in self._by_setting
        }
        return decided | await self._query([each for each in tenants if each not in decided])

    async def sharing_dialect(self, identity: Identity) -> str:
        """Return the dialect of the sender's tenant, one of `SHARING_DIALECTS`.

        Raises Problem if it is another one or undecided, or Unavailable.
        """
        tenant = identity.person.tenant
        dialect = (
            self._by_setting.get(tenant)
            or identity.dialect
            or await self._configured_dialect(tenant)
            or self._connected_dialect(identity.person)
        )
        if dialect is None:
            raise Problem(
                409,
                "undecided product",
                _how_to_decide(tenant),
                tenant=tenant,
                dialects=SHARING_DIALECTS,
            )
        if dialect not in SHARING_DIALECTS:
            detail = f"the product of the tenant, `{dialect}`, has no such request"
            raise Problem(404, "not found", detail, tenant=tenant)
        return dialect

    async def _configured_dialect(self, tenant: str) -> str | None:
        """Return the dialect of the newest `tenant.configured`; while Postgres is away, an old one.

        Raises Unavailable without an old one.
        """
        cached, now = self._cache.get(tenant), time.monotonic()
        if cached and now < cached.valid_until:
            return cached.dialect
        try:
            dialect = (await self._query([tenant])).get(tenant)
        except Unavailable:
            if cached is None:
                raise
            return cached.dialect
        self._cache[tenant] = _CachedDialect(dialect, now + CACHE_SECONDS)
        self._cache.move_to_end(tenant)
        if len(self._cache) > CACHE_LIMIT_TENANTS:
            self._cache.popitem(last=False)
        return dialect

    async def _query(self, tenants: list[str]) -> dict[str, str]:
        """Return the dialects that events decide, by tenant."""
        async with self._postgres.connection() as connection:
            rows = await (
                await connection.execute(DIALECTS_OF_TENANTS.encode(), (tenants,))
            ).fetchall()
        return {tenant: str(dialect) for tenant, dialect in rows}

    def _connected_dialect(self, person: Person) -> str | None:
        """Return the one sharing dialect that a user's connections use, None if they use two."""
        spoken = {subscriber.dialect for subscriber in self._hub.subscribers_of(person)}
        sharing = [dialect for dialect in SHARING_DIALECTS if dialect in spoken]
        return sharing[0] if len(sharing) == 1 else None


def _how_to_decide(tenant: str) -> str:
    return (
        f"barbershop and incidents share this path, and the product of the tenant `{tenant}` is not"
        f' known. Set TIDINGS_DIALECTS, such as "incidents={tenant}"; or add the claim `dialect` to'
        " the token; or emit the event `tenant.configured` with the data"
        ' {"dialect": "incidents"}. A page that is connected decides for its user.'
    )
