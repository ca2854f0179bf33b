"""Field service: work orders, technicians, equipment and stock."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.field_service.events import EVENTS
from tidings.domains.field_service.relations import RELATIONS
from tidings.domains.field_service.rules import RULES

DOMAIN = Domain(
    name="field_service",
    events=EVENTS,
    relations=RELATIONS,
    rules=RULES,
    texts=files(__name__) / "texts",
)
