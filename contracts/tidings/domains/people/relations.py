"""The relations of users to their tenant: membership, roles and locale."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidings.contracts.relations import (
    LOCALE,
    RelationChange,
    RelationChanges,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.people.events import RoleGranted, RoleRevoked, UserJoined, UserLeft

_LOCALE = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4}\Z")


def _user_joined(event: UserJoined) -> Iterator[RelationChange]:
    yield RelationOpened("tenant", "member", event.user_id)
    yield from _locale_changes(event)


def _locale_changes(event: UserJoined) -> Iterator[RelationChange]:
    """Replace a user's locale; an invalid language tag (RFC 5646) only closes the old one."""
    if event.locale is None:
        return
    yield RelationClosed(LOCALE, None, event.user_id)
    locale = event.locale.partition(".")[0].lower().replace("_", "-")
    if _LOCALE.match(locale):
        yield RelationOpened(LOCALE, locale, event.user_id)


RELATIONS: RelationChanges = {
    UserJoined: _user_joined,
    UserLeft: lambda event: [RelationClosed(None, None, event.user_id)],
    RoleGranted: lambda event: [RelationOpened("tenant", event.role, event.user_id)],
    RoleRevoked: lambda event: [RelationClosed("tenant", event.role, event.user_id)],
}
