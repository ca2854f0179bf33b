"""Events about the people of a tenant: users, their roles and their sessions."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.event import Event
from tidings.contracts.ids import Id


class UserJoined(Event, frozen=True, kw_only=True):
    """A user joined the tenant."""

    type: ClassVar[str] = "user.joined"
    user_id: Id
    name: str | None = None
    email: str | None = None
    locale: str | None = None
    timezone: str | None = None


class UserLeft(Event, frozen=True, kw_only=True):
    """A user left the tenant, and with it all relations in it."""

    type: ClassVar[str] = "user.left"
    user_id: Id
    name: str | None = None


class RoleGranted(Event, frozen=True, kw_only=True):
    """A user got a role in the tenant (office, technician, manager, …)."""

    type: ClassVar[str] = "role.granted"
    user_id: Id
    role: Id


class RoleRevoked(Event, frozen=True, kw_only=True):
    """A user lost a role in the tenant."""

    type: ClassVar[str] = "role.revoked"
    user_id: Id
    role: Id


class SessionRevoked(Event, frozen=True, kw_only=True):
    """A session of a user, or all of theirs, was revoked: tokens issued before are refused.

    `session_id` is the tokens' claim `sid`, else `jti`; without it, all sessions of the user end.
    """

    type: ClassVar[str] = "session.revoked"
    user_id: Id
    session_id: Id | None = None


EVENTS: tuple[type[Event], ...] = (
    UserJoined,
    UserLeft,
    RoleGranted,
    RoleRevoked,
    SessionRevoked,
)
