"""Revocations: sessions and people whose tokens no longer count, for as long as such a token could still be alive."""

from __future__ import annotations

from collections import OrderedDict

from tidings.contracts.subjects import Person
from tidings.runtime.auth import Identity

LIMIT = 100_000


class _Tenant:
    """One tenant's revocations, the oldest first, in seconds since 1970; none of its tokens issued up to `floor` counts."""

    __slots__ = ("floor", "times")

    def __init__(self) -> None:
        self.floor = 0.0
        self.times: OrderedDict[tuple[str, str | None], float] = OrderedDict()


class Revocations:
    """A token issued at or before the time of a revocation that concerns it does not count.

    Bounded: what is older than any token may live is forgotten. Beyond `limit` the oldest of the tenant that has most gives
    way, and from then on all of that tenant's tokens as old as it are refused: too many rather than too few.
    """

    def __init__(self, lifetime_limit_seconds: float, limit: int = LIMIT) -> None:
        self._lifetime = lifetime_limit_seconds
        self._limit = limit
        self._count = 0
        self._tenants: dict[str, _Tenant] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, person: Person, session: str | None, at: float) -> None:
        """A session, or all of a person's (None), was revoked at a time (seconds since 1970); they come in order."""
        tenant = self._tenants.setdefault(person.tenant, _Tenant())
        self._count += (person.user, session) not in tenant.times
        tenant.times[person.user, session] = at
        tenant.times.move_to_end((person.user, session))
        self._forget(tenant, at - self._lifetime)
        if self._count > self._limit:
            self._give_way()

    def concern(self, identity: Identity) -> bool:
        """Whether the token behind an identity no longer counts."""
        tenant = self._tenants.get(identity.person.tenant)
        if tenant is None:
            return False
        user, issued, times = identity.person.user, identity.issued, tenant.times
        if issued <= tenant.floor or issued <= times.get((user, None), 0.0):
            return True
        return identity.session is not None and issued <= times.get((user, identity.session), 0.0)

    def _forget(self, tenant: _Tenant, before: float) -> None:
        while tenant.times and next(iter(tenant.times.values())) < before:
            tenant.times.popitem(last=False)
            self._count -= 1

    def _give_way(self) -> None:
        most = max(self._tenants.values(), key=lambda tenant: len(tenant.times))
        _, most.floor = most.times.popitem(last=False)
        self._count -= 1
