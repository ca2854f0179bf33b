"""Revocations: revoked sessions and users, kept as long as their tokens could be valid."""

from __future__ import annotations

from collections import OrderedDict

from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import Identity

REVOCATIONS_LIMIT = 100_000


class _Tenant:
    """One tenant's revocations, oldest first, in seconds since 1970.

    Every token of the tenant that was issued at or before `floor` is refused.
    """

    __slots__ = ("floor", "times")

    def __init__(self) -> None:
        self.floor = 0.0
        self.times: OrderedDict[tuple[str, str | None], float] = OrderedDict()


class Revocations:
    """Refuses tokens that were issued at or before the time of a revocation that matches them.

    Revocations older than the longest lifetime of a token are dropped. When `limit` is reached,
    the oldest revocation of the largest tenant is evicted; from then on every token of that
    tenant issued before it is refused (fail closed).
    """

    def __init__(self, lifetime_limit_seconds: float, limit: int = REVOCATIONS_LIMIT) -> None:
        self._lifetime = lifetime_limit_seconds
        self._limit = limit
        self._count = 0
        self._tenants: dict[str, _Tenant] = {}

    def __len__(self) -> int:
        return self._count

    def add_revocation(self, person: Person, session: str | None, at: float) -> None:
        """Add the revocation of a session, or of all of a person's (None); `at` never decreases."""
        tenant = self._tenants.setdefault(person.tenant, _Tenant())
        self._count += (person.user, session) not in tenant.times
        tenant.times[person.user, session] = at
        tenant.times.move_to_end((person.user, session))
        self._forget(tenant, at - self._lifetime)
        if self._count > self._limit:
            self._give_way()

    def is_revoked(self, identity: Identity) -> bool:
        """Whether the token behind an identity is revoked."""
        tenant = self._tenants.get(identity.person.tenant)
        if tenant is None:
            return False
        user, issued, times = identity.person.user, identity.issued_at, tenant.times
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
