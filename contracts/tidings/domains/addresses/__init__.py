"""Where people are reached beyond the page: addresses and devices; it belongs to no product."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.addresses.events import EVENTS

DOMAIN = Domain(
    name="addresses",
    events=EVENTS,
)
