"""Events about a tenant and its people: its dialect; users, their roles and their sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.contracts.text_forms import (
    EMAIL_ADDRESS,
    LOCALE_NAME,
    PERSON_NAME,
    TIMEZONE_NAME,
    timezone_fault,
)

Dialect = Literal["field_service", "barbershop", "chat", "incidents", "volunteers"]
"""The products whose dialects a tenant's front ends may use."""


PersonName = Annotated[str, Meta(extra_json_schema=PERSON_NAME.json_schema)]
EmailAddress = Annotated[str, Meta(extra_json_schema=EMAIL_ADDRESS.json_schema)]
LocaleName = Annotated[str, Meta(extra_json_schema=LOCALE_NAME.json_schema)]
TimezoneName = Annotated[str, Meta(extra_json_schema=TIMEZONE_NAME.json_schema)]
USER_FIELDS = {
    "name": PERSON_NAME,
    "email": EMAIL_ADDRESS,
    "locale": LOCALE_NAME,
    "timezone": TIMEZONE_NAME,
}
"""The forms of the fields of a user, demanded of new events only: older logs have any text."""


class TenantConfigured(Event, frozen=True, kw_only=True):
    """A tenant was configured; the newest configuration replaces the previous one as a whole.

    `dialect`: the product of the tenant, for requests whose path does not determine it; None
    leaves it open. `timezone`: that of users who have none of their own, for quiet hours and
    summaries.
    """

    type: ClassVar[str] = "tenant.configured"
    dialect: Dialect | None = None
    timezone: TimezoneName | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it has no form of one."""
        if self.timezone is not None and not TIMEZONE_NAME.fits(self.timezone):
            yield "timezone", TIMEZONE_NAME.reason

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it does not exist, with those of a similar name."""
        if self.timezone is not None and (fault := timezone_fault(self.timezone)):
            yield "timezone", fault


class UserJoined(Event, frozen=True, kw_only=True):
    """A user joined the tenant.

    `locale`: a language tag (`de`, `pt-BR`, `de_AT.UTF-8`); `timezone`: a name of IANA's database.
    """

    type: ClassVar[str] = "user.joined"
    user_id: Id
    name: PersonName | None = None
    email: EmailAddress | None = None
    locale: LocaleName | None = None
    timezone: TimezoneName | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that cannot be used, each with the reason."""
        values = (self.name, self.email, self.locale, self.timezone)
        for (field, text_form), value in zip(USER_FIELDS.items(), values, strict=True):
            if value is not None and not text_form.fits(value):
                yield field, text_form.reason

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it does not exist, with those of a similar name."""
        if self.timezone is not None and (fault := timezone_fault(self.timezone)):
            yield "timezone", fault


class UserLeft(Event, frozen=True, kw_only=True):
    """A user left the tenant, and with it all relations in it."""

    type: ClassVar[str] = "user.left"
    user_id: Id
    name: PersonName | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the name if it cannot be used."""
        if self.name is not None and not PERSON_NAME.fits(self.name):
            yield "name", PERSON_NAME.reason


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
    TenantConfigured,
    UserJoined,
    UserLeft,
    RoleGranted,
    RoleRevoked,
    SessionRevoked,
)
