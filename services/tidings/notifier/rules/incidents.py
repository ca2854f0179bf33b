"""Who is told what about incidents."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tidings.contracts.events import (
    IncidentAssigned,
    IncidentCreated,
    IncidentResolved,
    IncidentStatusChanged,
    Recorded,
)
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import EVERYBODY, Relation, Rule, Tell

Incident = IncidentCreated | IncidentAssigned | IncidentStatusChanged | IncidentResolved


def created(recorded: Recorded[IncidentCreated]) -> Iterator[Tell]:
    """Call those named to an incident; everybody in the tenant, if nobody is named."""
    event = recorded.event
    yield Tell(
        to=event.responders or (EVERYBODY,),
        says={"number": str(event.number), "title": event.title},
        category="incident",
        level="error",
        priority="high",
        entity=incident(event),
    )


def assigned(recorded: Recorded[IncidentAssigned]) -> Iterator[Tell]:
    """Call somebody to an incident."""
    event = recorded.event
    says = {"number": str(event.number)}
    yield Tell(
        to=(event.user_id,),
        says=says,
        category="incident",
        level="warning",
        priority="high",
        entity=incident(event),
    )


def status_changed(recorded: Recorded[IncidentStatusChanged]) -> Iterator[Tell]:
    """Tell the responders where an incident stands."""
    event = recorded.event
    says = {"number": str(event.number), "status": event.new_status}
    yield Tell(
        to=(responders(event),),
        says=says,
        category="incident",
        priority="high",
        entity=incident(event),
    )


def resolved(recorded: Recorded[IncidentResolved]) -> Iterator[Tell]:
    """Tell the responders that an incident is over."""
    event = recorded.event
    says = {"number": str(event.number)}
    yield Tell(
        to=(responders(event),),
        says=says,
        category="incident",
        level="success",
        priority="high",
        entity=incident(event),
    )


def responders(event: Incident) -> Relation:
    """Whoever was named for an incident or called to it."""
    return Relation(f"incident:{event.incident_id}", "responder")


def incident(event: Incident) -> Entity:
    """The incident, with the address that the event gives, or that of its page."""
    url = event.entity_url or f"/incidents/{quote(event.incident_id, safe='')}"
    return Entity(type="incident", id=event.incident_id, url=url)


RULES = (
    Rule("incident_created", IncidentCreated, created),
    Rule("incident_assigned", IncidentAssigned, assigned),
    Rule("incident_status_changed", IncidentStatusChanged, status_changed),
    Rule("incident_resolved", IncidentResolved, resolved),
)
