"""The relation of users to the locations where they work."""

from __future__ import annotations

from tidings.contracts.relations import RelationChanges, RelationClosed, RelationOpened
from tidings.domains.barbershop.events import LocationStaffJoined, LocationStaffLeft

RELATIONS: RelationChanges = {
    LocationStaffJoined: lambda event: [
        RelationOpened(f"location:{event.location_id}", "staff", event.user_id)
    ],
    LocationStaffLeft: lambda event: [
        RelationClosed(f"location:{event.location_id}", "staff", event.user_id)
    ],
}
