"""People of a tenant: who belongs to it, and in which roles."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class UserJoined(Event, frozen=True, kw_only=True):
    """Somebody became a user of the tenant."""

    type: ClassVar[str] = "user.joined"
    user_id: Id
    name: str | None = None
    email: str | None = None
    locale: str | None = None
    timezone: str | None = None


class UserLeft(Event, frozen=True, kw_only=True):
    """Somebody is no longer a user of the tenant, nor anything else in it."""

    type: ClassVar[str] = "user.left"
    user_id: Id
    name: str | None = None


class RoleGranted(Event, frozen=True, kw_only=True):
    """A user has a role in the tenant from now on (office, technician, manager, …)."""

    type: ClassVar[str] = "role.granted"
    user_id: Id
    role: Id


class RoleRevoked(Event, frozen=True, kw_only=True):
    """A user no longer has a role in the tenant."""

    type: ClassVar[str] = "role.revoked"
    user_id: Id
    role: Id


class SessionRevoked(Event, frozen=True, kw_only=True):
    """A session of a user's is over (the tokens' claim `sid`, else `jti`), or all of theirs: what was issued before does not count."""

    type: ClassVar[str] = "session.revoked"
    user_id: Id
    session_id: Id | None = None
