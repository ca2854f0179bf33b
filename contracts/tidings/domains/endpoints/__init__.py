"""A tenant's own webhooks, which get the events of the types that they name."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.endpoints.events import EVENTS

DOMAIN = Domain(
    name="endpoints",
    events=EVENTS,
    protected=True,
)
