"""Incidents: responders and status."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.incidents.events import EVENTS
from tidings.domains.incidents.relations import RELATIONS
from tidings.domains.incidents.rules import RULES

DOMAIN = Domain(
    name="incidents",
    events=EVENTS,
    relations=RELATIONS,
    rules=RULES,
    texts=files(__name__) / "texts",
)
