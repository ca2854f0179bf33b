"""Announcements to users, a relation or a whole tenant; they belong to no product."""

from __future__ import annotations

from tidings.contracts.domain import Domain
from tidings.domains.announcements.events import EVENTS
from tidings.domains.announcements.rules import RULES

DOMAIN = Domain(
    name="announcements",
    events=EVENTS,
    rules=RULES,
)
