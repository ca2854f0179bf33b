"""The relations of users to their tenant: membership, roles, locale and time zone; its dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidings.contracts.relations import (
    LOCALE,
    TENANT_DIALECT,
    TIMEZONE,
    ObjectLinked,
    RelationChange,
    RelationChanges,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.people.events import (
    RoleGranted,
    RoleRevoked,
    TenantConfigured,
    UserJoined,
    UserLeft,
)

_LOCALE = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4}\Z")
# Only the syntax: the known names depend on the machine's database, but a projection must not.
_TIMEZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{1,31}(?:/[A-Za-z0-9_+-]{1,32}){0,2}\Z")


def _user_joined(event: UserJoined) -> Iterator[RelationChange]:
    yield RelationOpened("tenant", "member", event.user_id)
    yield from _locale_changes(event)
    yield from _timezone_changes(event)


def _locale_changes(event: UserJoined) -> Iterator[RelationChange]:
    """Replace a user's locale; an invalid language tag (RFC 5646) only closes the old one."""
    if event.locale is None:
        return
    yield RelationClosed(LOCALE, None, event.user_id)
    locale = event.locale.partition(".")[0].lower().replace("_", "-")
    if _LOCALE.match(locale):
        yield RelationOpened(LOCALE, locale, event.user_id)


def _timezone_changes(event: UserJoined) -> Iterator[RelationChange]:
    """Replace a user's time zone; a value that is no IANA name in form only closes the old one."""
    if event.timezone is None:
        return
    yield RelationClosed(TIMEZONE, None, event.user_id)
    if _TIMEZONE.match(event.timezone):
        yield RelationOpened(TIMEZONE, event.timezone, event.user_id)


RELATIONS: RelationChanges = {
    UserJoined: _user_joined,
    UserLeft: lambda event: [RelationClosed(None, None, event.user_id)],
    RoleGranted: lambda event: [RelationOpened("tenant", event.role, event.user_id)],
    RoleRevoked: lambda event: [RelationClosed("tenant", event.role, event.user_id)],
    TenantConfigured: lambda event: [ObjectLinked(*TENANT_DIALECT, event.dialect)],
}
