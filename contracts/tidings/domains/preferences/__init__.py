"""What people want beyond the page: how, where, and when not; it belongs to no product."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.preferences.events import EVENTS

DOMAIN = Domain(
    name="preferences",
    events=EVENTS,
)
