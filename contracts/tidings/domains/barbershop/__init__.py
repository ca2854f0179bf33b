"""Barbershops: appointments, performance, locations, training, achievements."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.barbershop.events import EVENTS
from tidings.domains.barbershop.relations import RELATIONS
from tidings.domains.barbershop.rules import RULES

DOMAIN = Domain(
    name="barbershop",
    events=EVENTS,
    relations=RELATIONS,
    rules=RULES,
    texts=files(__name__) / "texts",
)
