"""Announcements and notifications written by hand; they belong to no product."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.announcements.events import EVENTS
from tidings.domains.announcements.rules import RULES

DOMAIN = Domain(
    name="announcements",
    events=EVENTS,
    rules=RULES,
)
