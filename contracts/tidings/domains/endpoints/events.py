"""Events about a tenant's own webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta
from tidings.contracts.cloudevents import Time, Type
from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.domains.addresses.events import Generation, WebAddress
from tidings.domains.addresses.forms import web_address_fault

TYPES_LIMIT = 200
EventTypes = Annotated[tuple[Type, ...], Meta(min_length=1, max_length=TYPES_LIMIT)]


class EndpointRegistered(Event, frozen=True, kw_only=True):
    """A tenant has a webhook for events of these types; the same `endpoint_id` replaces it."""

    type: ClassVar[str] = "endpoint.registered"
    endpoint_id: Id
    url: WebAddress
    types: EventTypes
    generation: Generation = 1

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the address if it cannot be used."""
        if fault := web_address_fault(self.url):
            yield "url", fault


class EndpointChanged(Event, frozen=True, kw_only=True):
    """A webhook has another address, other types, or a secret of another generation.

    `previous_until`: until then, the secret of the generation before signs too.
    """

    type: ClassVar[str] = "endpoint.changed"
    endpoint_id: Id
    url: WebAddress
    types: EventTypes
    generation: Generation
    previous_until: Time | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the address if it cannot be used."""
        if fault := web_address_fault(self.url):
            yield "url", fault


class EndpointReplayed(Event, frozen=True, kw_only=True):
    """A webhook gets all events of its types again that were appended since a time, in order."""

    type: ClassVar[str] = "endpoint.replayed"
    endpoint_id: Id
    since: Time


class EndpointWithdrawn(Event, frozen=True, kw_only=True):
    """A webhook gets nothing any more."""

    type: ClassVar[str] = "endpoint.withdrawn"
    endpoint_id: Id


EVENTS: tuple[type[Event], ...] = (
    EndpointRegistered,
    EndpointChanged,
    EndpointReplayed,
    EndpointWithdrawn,
)
