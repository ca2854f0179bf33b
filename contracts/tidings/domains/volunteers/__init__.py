"""Volunteer projects: tasks, teams, milestones, hours, offline work."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.volunteers.events import EVENTS
from tidings.domains.volunteers.legacy import LEGACY
from tidings.domains.volunteers.relations import RELATIONS
from tidings.domains.volunteers.rules import RULES

DOMAIN = Domain(
    name="volunteers",
    events=EVENTS,
    relations=RELATIONS,
    rules=RULES,
    texts=files(__name__) / "texts",
    legacy=LEGACY,
)
