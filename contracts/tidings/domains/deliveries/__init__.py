"""Events about deliveries beyond the page that Tidings itself emits."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.deliveries.events import EVENTS
from tidings.domains.deliveries.rules import RULES

DOMAIN = Domain(
    name="deliveries",
    events=EVENTS,
    rules=RULES,
    texts=files(__name__) / "texts",
    reserved=True,
)
