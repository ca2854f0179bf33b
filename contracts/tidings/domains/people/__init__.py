"""People of a tenant: users, roles, sessions; they belong to no product."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.people.events import EVENTS
from tidings.domains.people.relations import RELATIONS

DOMAIN = Domain(
    name="people",
    events=EVENTS,
    relations=RELATIONS,
    protected=True,
)
