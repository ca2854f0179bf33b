"""Chat: rooms and messages."""

from __future__ import annotations

from importlib.resources import files

from tidings.contracts.domain import Domain
from tidings.domains.chat.events import EVENTS
from tidings.domains.chat.relations import RELATIONS
from tidings.domains.chat.rules import RULES

DOMAIN = Domain(
    name="chat",
    events=EVENTS,
    relations=RELATIONS,
    rules=RULES,
    texts=files(__name__) / "texts",
)
