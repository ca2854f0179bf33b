"""Member rows: what Postgres answers about members and preferences, as an audience."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tidings.contracts.relations import LOCALE, RelatedThrough, Relation, UserSet
from tidings.notifier.audience.audience import (
    Audience,
    AudienceQuery,
    Membership,
    PreferenceInterval,
)
from tidings.projections.audience.queries import MEMBERS_AND_READERS
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import ReadModel


async def query_audience(
    postgres: Postgres, model: ReadModel, query: AudienceQuery, since: int, until: int
) -> Audience:
    """Return the audience of events that were applied before; raises Unavailable."""
    async with postgres.connection() as connection:
        members = await connection.execute(
            model.sql(MEMBERS_AND_READERS), query.sql_parameters(since, until)
        )
        return parse_members((), await members.fetchall())


def parse_members(duplicates: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> Audience:
    """Return the audience from the rows of `MEMBERS_AND_READERS`."""
    memberships: dict[tuple[str, UserSet], list[Membership]] = defaultdict(list)
    locales: dict[tuple[str, str], list[PreferenceInterval]] = defaultdict(list)
    timezones: dict[tuple[str, str], list[PreferenceInterval]] = defaultdict(list)
    for is_preference, tenant, object_, link, name, user, since, until in rows:
        if is_preference:
            preferences = locales if object_ == LOCALE else timezones
            preferences[tenant, user].append(PreferenceInterval(name, since, until))
        else:
            of = RelatedThrough(object_, link, name) if link else Relation(object_, name)
            memberships[tenant, of].append(Membership(user, since, until))
    return Audience(frozenset(duplicates), memberships, locales, timezones)
