"""Where people are reached beyond the page: addresses and devices; it belongs to no product."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.addresses.events import EVENTS
from tidings.domains.addresses.rules import RULES

DOMAIN = Domain(
    name="addresses",
    events=EVENTS,
    rules=RULES,
    texts=files(__name__) / "texts",
)
