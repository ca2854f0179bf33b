"""Rules of incidents."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity, Level, Priority
from tidings.contracts.page_addresses import safe_address
from tidings.contracts.relations import TENANT_MEMBERS, Recipients, Relation
from tidings.contracts.rules import Rule, Tell
from tidings.domains.incidents.events import (
    IncidentAssigned,
    IncidentClosed,
    IncidentCreated,
    IncidentEscalated,
    IncidentResolved,
    IncidentStatusChanged,
)

Progress = IncidentStatusChanged | IncidentEscalated | IncidentResolved | IncidentClosed
Incident = IncidentCreated | IncidentAssigned | Progress

PRIORITIES: dict[str, Priority] = {"critical": "critical", "high": "high"}
"""The priority of a severity; without one, or with any other, an event has normal priority."""


def incident_created(recorded: RecordedEvent[IncidentCreated]) -> Iterator[Tell]:
    """Notify the responders of a new incident; without responders, the whole tenant."""
    yield _incident_tell(recorded.event, recorded.event.responders or (TENANT_MEMBERS,), "error")


def incident_assigned(recorded: RecordedEvent[IncidentAssigned]) -> Iterator[Tell]:
    """Notify a new responder of an incident."""
    yield _incident_tell(recorded.event, (recorded.event.user_id,), "warning")


def incident_status_changed(recorded: RecordedEvent[IncidentStatusChanged]) -> Iterator[Tell]:
    """Notify the responders that an incident has a new status."""
    yield _incident_tell(recorded.event, responders_of(recorded.event), "info")


def incident_escalated(recorded: RecordedEvent[IncidentEscalated]) -> Iterator[Tell]:
    """Notify the responders that an incident was escalated."""
    yield _incident_tell(recorded.event, responders_of(recorded.event), "warning")


def incident_resolved(recorded: RecordedEvent[IncidentResolved]) -> Iterator[Tell]:
    """Notify the responders that an incident is resolved."""
    yield _incident_tell(recorded.event, responders_of(recorded.event), "success")


def incident_closed(recorded: RecordedEvent[IncidentClosed]) -> Iterator[Tell]:
    """Notify the responders that an incident is closed."""
    yield _incident_tell(recorded.event, responders_of(recorded.event), "success")


def _incident_tell(event: Incident, to: Recipients, level: Level) -> Tell:
    """Return the notification of an incident; the severity that its event states decides."""
    return Tell(
        to=to,
        values={"number": str(event.number)},
        category="incident",
        level=level,
        priority=PRIORITIES.get((event.severity or "").lower(), "normal"),
        entity=incident_entity(event),
    )


def responders_of(event: Progress) -> Recipients:
    """Return the relation of all responders to an incident."""
    return (Relation(f"incident:{event.incident_id}", "responder"),)


def incident_entity(event: Incident) -> Entity:
    """Return the incident, with the address of the event or that of the incident's page."""
    url = safe_address(event.entity_url) or f"/incidents/{quote(event.incident_id, safe='')}"
    return Entity(type="incident", id=event.incident_id, url=url)


RULES: tuple[Rule, ...] = (
    Rule("incident_created", IncidentCreated, incident_created),
    Rule("incident_assigned", IncidentAssigned, incident_assigned),
    Rule("incident_status_changed", IncidentStatusChanged, incident_status_changed),
    Rule("incident_escalated", IncidentEscalated, incident_escalated),
    Rule("incident_resolved", IncidentResolved, incident_resolved),
    Rule("incident_closed", IncidentClosed, incident_closed),
)
