"""Events about deliveries beyond the page that Tidings itself emits."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.deliveries.events import EVENTS

DOMAIN = Domain(
    name="deliveries",
    events=EVENTS,
    reserved=True,
)
