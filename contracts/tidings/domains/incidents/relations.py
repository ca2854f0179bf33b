"""The relation of responders to incidents."""

from __future__ import annotations

from tidings.contracts.relations import RelationChanges, RelationOpened
from tidings.domains.incidents.events import IncidentAssigned, IncidentCreated

RELATIONS: RelationChanges = {
    IncidentCreated: lambda event: [
        RelationOpened(f"incident:{event.incident_id}", "responder", user)
        for user in event.responders
    ],
    IncidentAssigned: lambda event: [
        RelationOpened(f"incident:{event.incident_id}", "responder", event.user_id)
    ],
}
