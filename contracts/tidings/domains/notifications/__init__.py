"""Events about notifications that Tidings itself emits: read, and answered by a button."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.notifications.events import EVENTS
from tidings.domains.notifications.rules import RULES

DOMAIN = Domain(
    name="notifications",
    events=EVENTS,
    rules=RULES,
    texts=files(__name__) / "texts",
    reserved=True,
)
