"""Bodies about a tenant's endpoints."""

from __future__ import annotations

from msgspec import Struct
from tidings.contracts.cloudevents import Time
from tidings.contracts.endpoint_attempts import AttemptState
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment
from tidings.domains.addresses.events import WebAddress
from tidings.domains.deliveries.events import SuppressionReason
from tidings.domains.endpoints.events import EventTypes


class NewEndpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook for events of these types. `id`: one of yours, which it replaces; else a new one.

    One that was turned off is in use again.
    """

    url: WebAddress
    types: EventTypes
    id: Id | None = None


class ReplayRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All events of the endpoint's types since this time are posted again, in order."""

    since: Time


class EndpointSecret(Struct, frozen=True, kw_only=True):
    """The secret that verifies what is posted to an endpoint (`whsec_…`); keep it.

    `previous_until`: until then the secret before verifies it too.
    """

    id: str
    secret: str
    generation: int
    sequence: int
    previous_until: Moment | None = None


class EndpointDelivery(Struct, frozen=True, kw_only=True):
    """What an attempt to post an event came to; `until`: when it is tried again.

    `attempts`: how often the event was tried that is waited for. `code`: the answer's status, or
    one word for what went wrong.
    """

    state: AttemptState
    at: Moment
    event: str | None
    type: str | None
    code: str | None
    attempts: int
    until: Moment | None


class EndpointSuppression(Struct, frozen=True, kw_only=True):
    """Why nothing is posted to an endpoint."""

    reason: SuppressionReason
    code: str | None


class OwnEndpoint(Struct, frozen=True, kw_only=True):
    """A webhook of the tenant. `last`: its last attempt; `position`: up to which sequence of the
    log it has all events of its types; `failing_since`: since then it took none.
    """

    id: str
    url: str
    types: tuple[str, ...]
    generation: int
    previous_until: Moment | None
    suppressed: EndpointSuppression | None
    position: int
    failing_since: Moment | None
    last: EndpointDelivery | None


class OwnEndpoints(Struct, frozen=True, kw_only=True):
    """The webhooks of the tenant."""

    endpoints: tuple[OwnEndpoint, ...]


class EndpointDeliveries(Struct, frozen=True, kw_only=True):
    """Attempts at an endpoint, the earliest first."""

    deliveries: tuple[EndpointDelivery, ...]
