"""The audience of a batch of events: the members of relations as of each event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import Recipients, RelatedThrough, Relation, UserSet
from tidings.notifier.audience.groups import OpenGroup
from tidings.projections.audience.groups import group_of


class Membership(NamedTuple):
    """A user in a relation, from one sequence until before another."""

    user: str
    since: int
    until: int | None


class PreferenceInterval(NamedTuple):
    """A locale or time zone that a user had from one sequence until before another."""

    value: str
    since: int
    until: int | None


class AudienceQuery:
    """The query of a batch: members of relations, preferences of users and members, groups.

    `relations`: tenant and relation, and whether its members' preferences belong to the query.
    """

    def __init__(self) -> None:
        self.relations: dict[tuple[str, UserSet], bool] = {}
        self.users: set[tuple[str, str]] = set()
        self.groups: dict[int, tuple[str, str, Relation]] = {}

    def __bool__(self) -> bool:
        return bool(self.relations or self.users)

    def add_members(self, tenant: str, relation: UserSet, translated: bool) -> None:
        """Add the members of a relation, or of one to a linked object."""
        self.relations[tenant, relation] = translated or self.relations.get(
            (tenant, relation), False
        )

    def add_group(self, recorded: AnyRecordedEvent, group: str, relation: Relation) -> None:
        """Add the state of a group for each member of a relation, as of an event."""
        self.groups[recorded.sequence] = (recorded.tenant, group, relation)

    def add_users(self, tenant: str, users: Iterable[str]) -> None:
        """Add the locales and time zones of users."""
        for user in users:
            self.users.add((tenant, user))

    def sql_parameters(self, first: int, until: int) -> dict[str, Any]:
        """Return the parameters of `MEMBERS_AND_READERS`."""
        relations: list[dict[str, Any]] = []
        linked: list[dict[str, Any]] = []
        for (tenant, relation), translated in self.relations.items():
            row = {"tenant": tenant, "object": relation.object, "translated": translated}
            match relation:
                case Relation(name=name):
                    relations.append({**row, "relation": name})
                case RelatedThrough(link=link, relation=name):
                    linked.append({**row, "link": link, "relation": name})
        users = [{"tenant": tenant, "user_id": user} for tenant, user in self.users]
        return {
            "relations": encode(relations).decode(),
            "linked": encode(linked).decode(),
            "users": encode(users).decode(),
            "first": first,
            "until": until,
        }


Preferences = Mapping[tuple[str, str], list[PreferenceInterval]]
"""The locales, or the time zones, of users, by tenant and user."""


class Audience(NamedTuple):
    """The data for routing a batch: duplicates, members of relations, and their preferences.

    `refused`: why Postgres does not store the changes of events, which must not be routed.
    """

    duplicates: frozenset[int]
    memberships: dict[tuple[str, UserSet], list[Membership]]
    locales: Preferences = {}  # noqa: RUF012  never written to
    timezones: Preferences = {}  # noqa: RUF012  never written to
    open_groups: dict[int, dict[str, OpenGroup]] = {}  # noqa: RUF012  never written to
    refused: Mapping[int, str] = {}

    def counts(self, recorded: AnyRecordedEvent) -> bool:
        """Return whether an event is neither a duplicate nor refused."""
        return recorded.sequence not in self.duplicates and recorded.sequence not in self.refused

    def recipients(
        self,
        recorded: AnyRecordedEvent,
        to: Recipients,
        excluded: str | None,
        *,
        before: bool = False,
    ) -> list[str]:
        """Return the recipients as of the event, or just `before` it, without the `excluded` user.

        The order is the same whenever the event is routed: an offset counts in it.
        """
        users = {user for each in to for user in self._users(recorded, each, before)}
        return sorted(users - {excluded})

    def members(
        self, recorded: AnyRecordedEvent, relation: UserSet, *, before: bool = False
    ) -> Iterable[str]:
        """Return the members of a relation as of the event, or just `before` it."""
        at = recorded.sequence - before
        memberships = self.memberships.get((recorded.tenant, relation), ())
        return (
            user
            for user, since, until in memberships
            if since <= at and (until is None or at < until)
        )

    def members_since(
        self, recorded: AnyRecordedEvent, relation: Relation
    ) -> list[tuple[str, int]]:
        """Return the members as of the event without its author, and since when each is one."""
        at, group = recorded.sequence, group_of(recorded)
        memberships = self.memberships.get((recorded.tenant, relation), ())
        members = (
            (user, since)
            for user, since, until in memberships
            if since <= at and (until is None or at < until)
        )
        return [(user, since) for user, since in members if not group or user != group.actor]

    def locale_of(self, recorded: AnyRecordedEvent, user: str) -> str:
        """Return a user's locale as of the event, empty if it is not known."""
        return _preference_at(recorded, user, self.locales)

    def timezone_of(self, recorded: AnyRecordedEvent, user: str) -> str:
        """Return a user's time zone as of the event, as stated; empty if not known."""
        return _preference_at(recorded, user, self.timezones)

    def has_more_members_than(
        self, recorded: AnyRecordedEvent, relation: Relation, limit: int
    ) -> bool:
        """Return whether a relation has more than `limit` members as of the event."""
        memberships = len(self.memberships.get((recorded.tenant, relation), ()))
        return memberships > limit and sum(1 for _ in self.members(recorded, relation)) > limit

    def _users(
        self, recorded: AnyRecordedEvent, each: str | UserSet, before: bool
    ) -> Iterable[str]:
        return (each,) if isinstance(each, str) else self.members(recorded, each, before=before)


def _preference_at(recorded: AnyRecordedEvent, user: str, preferences: Preferences) -> str:
    at = recorded.sequence
    for value, since, until in preferences.get((recorded.tenant, user), ()):
        if since <= at and (until is None or at < until):
            return value
    return ""
