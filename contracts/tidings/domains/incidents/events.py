"""Events of incidents: responders and status."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta
from tidings.contracts.event import Event
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, Id
from tidings.contracts.page_addresses import PageAddress

RESPONDERS_LIMIT = 1000
"""The number of responders that an incident can name."""

Number = Annotated[str, Meta(min_length=1, max_length=ID_LIMIT_CHARACTERS)] | int
"""The number by which users know an incident: `INC-42`, 42."""


class IncidentCreated(Event, frozen=True, kw_only=True):
    """An incident was created, with its first responders."""

    type: ClassVar[str] = "incident.created"
    incident_id: Id
    number: Number
    title: str
    severity: str | None = None
    responders: Annotated[tuple[Id, ...], Meta(max_length=RESPONDERS_LIMIT)] = ()
    entity_url: PageAddress | None = None


class IncidentAssigned(Event, frozen=True, kw_only=True):
    """A user became a responder of an incident."""

    type: ClassVar[str] = "incident.assigned"
    incident_id: Id
    number: Number
    user_id: Id
    severity: str | None = None
    entity_url: PageAddress | None = None


class IncidentStatusChanged(Event, frozen=True, kw_only=True):
    """An incident moved from one status to another."""

    type: ClassVar[str] = "incident.status_changed"
    incident_id: Id
    number: Number
    new_status: str
    old_status: str | None = None
    severity: str | None = None
    entity_url: PageAddress | None = None


class IncidentEscalated(Event, frozen=True, kw_only=True):
    """An incident was escalated."""

    type: ClassVar[str] = "incident.escalated"
    incident_id: Id
    number: Number
    reason: str | None = None
    severity: str | None = None
    entity_url: PageAddress | None = None


class IncidentResolved(Event, frozen=True, kw_only=True):
    """An incident is over."""

    type: ClassVar[str] = "incident.resolved"
    incident_id: Id
    number: Number
    new_status: str = "resolved"
    old_status: str | None = None
    severity: str | None = None
    entity_url: PageAddress | None = None


class IncidentClosed(Event, frozen=True, kw_only=True):
    """An incident was closed: nothing is left to do."""

    type: ClassVar[str] = "incident.closed"
    incident_id: Id
    number: Number
    new_status: str = "closed"
    old_status: str | None = None
    severity: str | None = None
    entity_url: PageAddress | None = None


EVENTS: tuple[type[Event], ...] = (
    IncidentCreated,
    IncidentAssigned,
    IncidentStatusChanged,
    IncidentEscalated,
    IncidentResolved,
    IncidentClosed,
)
