"""All domains: one folder for each product, and for each subject that belongs to no product."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tidings.contracts.domain import Domain, Upcast
from tidings.contracts.event import Event
from tidings.contracts.relations import AudienceChange
from tidings.contracts.rules import Rule
from tidings.domains import (
    addresses,
    announcements,
    barbershop,
    chat,
    deliveries,
    endpoints,
    field_service,
    incidents,
    notifications,
    people,
    preferences,
    volunteers,
)

DOMAINS: tuple[Domain, ...] = (
    volunteers.DOMAIN,
    field_service.DOMAIN,
    barbershop.DOMAIN,
    chat.DOMAIN,
    incidents.DOMAIN,
    announcements.DOMAIN,
    notifications.DOMAIN,
    people.DOMAIN,
    preferences.DOMAIN,
    addresses.DOMAIN,
    endpoints.DOMAIN,
    deliveries.DOMAIN,
)

EVENTS: tuple[type[Event], ...] = tuple(event for domain in DOMAINS for event in domain.events)
RESERVED_EVENTS: tuple[type[Event], ...] = tuple(
    event for domain in DOMAINS if domain.reserved for event in domain.events
)
"""The events that only Tidings itself may emit."""
PROTECTED_EVENTS: tuple[type[Event], ...] = tuple(
    event for domain in DOMAINS if domain.protected for event in domain.events
)
"""The events that need a scope of their own, such as `emit:role.*`."""
LEGACY: tuple[Upcast, ...] = tuple(old for domain in DOMAINS for old in domain.legacy)
RULES: tuple[Rule, ...] = tuple(rule for domain in DOMAINS for rule in domain.rules)
RELATIONS: dict[type[Event], Callable[[Any], Iterable[AudienceChange]]] = {
    event: changes for domain in DOMAINS for event, changes in domain.relations.items()
}
"""For each type of event that changes relations or links, the function that returns the changes."""
