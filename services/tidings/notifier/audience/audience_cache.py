"""The audience cache: memberships and preferences that did not change since they were read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from tidings.contracts.relations import UserSet
from tidings.notifier.audience.audience import (
    Audience,
    AudienceQuery,
    Membership,
    PreferenceInterval,
)

LIMIT_ROWS = 10_000
"""Memberships and preferences that are kept for a partition."""
RELATION_LIMIT_MEMBERS = 1000
"""A relation with more members is not kept: one of it would displace all others."""

UserPreferences = tuple[list[PreferenceInterval], list[PreferenceInterval]]
"""The locales and the time zones of a user."""


class _Tenant:
    """What is known of one tenant."""

    def __init__(self) -> None:
        self.members: dict[UserSet, list[Membership]] = {}
        self.preferences: dict[str, UserPreferences] = {}
        self.rows = 0


class AudienceCache:
    """The answers to earlier queries of a partition; only its leader changes what they rest on.

    An answer holds for every later event until an event changes a relation, link or preference of
    its tenant. The tenants whose answers were used least recently are dropped first.
    """

    def __init__(self, limit_rows: int = LIMIT_ROWS) -> None:
        self._limit_rows = limit_rows
        self._rows = 0
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()

    def find_audience(self, query: AudienceQuery) -> Audience | None:
        """Return the answer to a query, None unless all of it is known."""
        if query.groups:
            return None
        audience = Audience(frozenset(), {}, locales := {}, timezones := {})
        users = list(query.users)
        for (tenant, relation), translated in query.relations.items():
            members = self._members(tenant, relation)
            if members is None:
                return None
            audience.memberships[tenant, relation] = members
            if translated:
                users += [(tenant, member.user) for member in members]
        for tenant, user in users:
            preferences = self._preferences(tenant, user)
            if preferences is None:
                return None
            locales[tenant, user], timezones[tenant, user] = preferences
        return audience

    def store(self, query: AudienceQuery, audience: Audience) -> None:
        """Keep the answer to a query, which holds for all events after those of its batch."""
        users = set(query.users)
        for key, translated in query.relations.items():
            tenant, relation = key
            members = audience.memberships.get(key, [])
            if len(members) <= RELATION_LIMIT_MEMBERS:
                self._store_members(tenant, relation, members)
                users.update((tenant, member.user) for member in members if translated)
        for key in users:
            tenant, user = key
            self._store_preferences(
                tenant, user, (audience.locales.get(key, []), audience.timezones.get(key, []))
            )
        self._evict()

    def drop_tenants(self, tenants: Iterable[str]) -> None:
        """Forget the answers of tenants whose relations, links or preferences change."""
        for tenant in tenants:
            dropped = self._tenants.pop(tenant, None)
            self._rows -= dropped.rows if dropped else 0

    def _members(self, tenant: str, relation: UserSet) -> list[Membership] | None:
        known = self._tenants.get(tenant)
        if known is None:
            return None
        self._tenants.move_to_end(tenant)
        return known.members.get(relation)

    def _preferences(self, tenant: str, user: str) -> UserPreferences | None:
        known = self._tenants.get(tenant)
        return known.preferences.get(user) if known else None

    def _store_members(self, tenant: str, relation: UserSet, members: list[Membership]) -> None:
        known = self._tenant(tenant)
        self._count(known, 1 + len(members) - _size(known.members.get(relation)))
        known.members[relation] = members

    def _store_preferences(self, tenant: str, user: str, preferences: UserPreferences) -> None:
        known = self._tenant(tenant)
        self._count(known, 0 if user in known.preferences else 1)
        known.preferences[user] = preferences

    def _tenant(self, tenant: str) -> _Tenant:
        known = self._tenants.setdefault(tenant, _Tenant())
        self._tenants.move_to_end(tenant)
        return known

    def _count(self, known: _Tenant, rows: int) -> None:
        known.rows += rows
        self._rows += rows

    def _evict(self) -> None:
        while self._rows > self._limit_rows and self._tenants:
            _, oldest = self._tenants.popitem(last=False)
            self._rows -= oldest.rows


def _size(members: list[Membership] | None) -> int:
    return 0 if members is None else 1 + len(members)
