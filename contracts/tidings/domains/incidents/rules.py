"""Rules of incidents."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.relations import TENANT_MEMBERS, Relation
from tidings.contracts.rules import Rule, Tell
from tidings.domains.incidents.events import (
    IncidentAssigned,
    IncidentCreated,
    IncidentResolved,
    IncidentStatusChanged,
)

Incident = IncidentCreated | IncidentAssigned | IncidentStatusChanged | IncidentResolved


def incident_created(recorded: RecordedEvent[IncidentCreated]) -> Iterator[Tell]:
    """Notify the responders of a new incident; without responders, the whole tenant."""
    event = recorded.event
    yield Tell(
        to=event.responders or (TENANT_MEMBERS,),
        values={"number": str(event.number), "title": event.title},
        category="incident",
        level="error",
        priority="high",
        entity=incident_entity(event),
    )


def incident_assigned(recorded: RecordedEvent[IncidentAssigned]) -> Iterator[Tell]:
    """Notify a new responder of an incident."""
    event = recorded.event
    values = {"number": str(event.number)}
    yield Tell(
        to=(event.user_id,),
        values=values,
        category="incident",
        level="warning",
        priority="high",
        entity=incident_entity(event),
    )


def incident_status_changed(recorded: RecordedEvent[IncidentStatusChanged]) -> Iterator[Tell]:
    """Notify the responders of an incident's new status."""
    event = recorded.event
    values = {"number": str(event.number), "status": event.new_status}
    yield Tell(
        to=(responders_of(event),),
        values=values,
        category="incident",
        priority="high",
        entity=incident_entity(event),
    )


def incident_resolved(recorded: RecordedEvent[IncidentResolved]) -> Iterator[Tell]:
    """Notify the responders that an incident is resolved."""
    event = recorded.event
    values = {"number": str(event.number)}
    yield Tell(
        to=(responders_of(event),),
        values=values,
        category="incident",
        level="success",
        priority="high",
        entity=incident_entity(event),
    )


def responders_of(event: Incident) -> Relation:
    """Return the relation of all responders to an incident."""
    return Relation(f"incident:{event.incident_id}", "responder")


def incident_entity(event: Incident) -> Entity:
    """Return the incident, with the address of the event or that of the incident's page."""
    url = event.entity_url or f"/incidents/{quote(event.incident_id, safe='')}"
    return Entity(type="incident", id=event.incident_id, url=url)


RULES: tuple[Rule, ...] = (
    Rule("incident_created", IncidentCreated, incident_created),
    Rule("incident_assigned", IncidentAssigned, incident_assigned),
    Rule("incident_status_changed", IncidentStatusChanged, incident_status_changed),
    Rule("incident_resolved", IncidentResolved, incident_resolved),
)
