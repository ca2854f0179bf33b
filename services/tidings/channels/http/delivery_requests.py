"""Requests of operators: a delivery is decided about anew, or cancelled.

A request is an entry of the person's log of deliveries. It needs no fence: it decides nothing, and
what it changes depends only on the delivery's state where it stands in the log. The process that
leads the partition finds the delivery due, and decides. If that process claims, sends or drops it
at the same moment, either its entry comes first and the request is refused, or it decides on what
the request changed. What is being sent cannot be called back: it is dropped if that fails.
"""

from __future__ import annotations

from tidings.channels.decider.reading import Reading
from tidings.channels.http.delivery_reader import DeliveryReader, OwnedDelivery
from tidings.channels.http.settings_reader import SettingsReader
from tidings.contracts.codec import encode
from tidings.contracts.deliveries import REQUESTABLE, Request, Requested
from tidings.contracts.http_bodies.deliveries import DeliveryStatus
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import DELIVERIES, NOTIFICATIONS
from tidings.runtime.errors import Permanent
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime

DONE_WORDS = {"retry": "retried", "cancel": "cancelled"}


class UnknownDelivery(Permanent):
    """There is no delivery of this id."""


class RequestRefused(Permanent):
    """The state of a delivery does not allow a request."""


class DeliveryRequests:
    """Appends requests about deliveries, and waits until they are rows."""

    def __init__(self, runtime: Runtime) -> None:
        self._jetstream = runtime.jetstream
        self._appender = runtime.appender()
        self._subjects = runtime.settings.subjects
        self._deliveries = DeliveryReader(runtime, SettingsReader(runtime))
        self._reading = Reading(runtime)

    async def request(
        self, identifier: str, request: Request, *, tenant: str | None = None, by: str | None = None
    ) -> OwnedDelivery:
        """Append a request about a delivery of a tenant, or of any, and return it as it is then.

        Raises UnknownDelivery, RequestRefused or Unavailable. What is cancelled is left as it is.
        """
        newest = await last_message(self._jetstream, NOTIFICATIONS, DELIVERIES)
        await self._reading.wait_for_deliveries(newest.sequence if newest else 0)
        found = await self._find(identifier, tenant)
        if request == "cancel" and found.status.cancelled:
            return found
        _require_state(found.status, request)
        entry = Requested(delivery=identifier, request=request, by=by)
        # The same request of two operators about the same state is one.
        once = f"{request}/{identifier}/{found.status.entry}"
        subject = self._subjects.delivery_subject(found.person)
        appended = await self._appender.append(NewMessage(subject, encode(entry), id=once))
        await self._reading.wait_for_deliveries(appended.sequence)
        changed = await self._find(identifier, tenant)
        if changed.status.entry < appended.sequence:  # it came too late, and changed nothing
            _require_state(changed.status, request)
        return changed

    async def _find(self, identifier: str, tenant: str | None) -> OwnedDelivery:
        found = await self._deliveries.find(identifier, tenant)
        if found is None:
            raise UnknownDelivery(f"there is no delivery {identifier}")
        return found


def _require_state(status: DeliveryStatus, request: Request) -> None:
    if refusal := refusal_of(status, request):
        done = DONE_WORDS[request]
        raise RequestRefused(f"delivery {status.id} cannot be {done}: {refusal}")


def refusal_of(status: DeliveryStatus, request: Request) -> str | None:
    """Return why the state of a delivery does not allow a request, None if it does."""
    if status.state in REQUESTABLE[request]:
        return None
    match status.state:
        case "held":
            until = f" until {status.until:%Y-%m-%d %H:%M:%S} UTC" if status.until else ""
            return f"it is held{until}, and was not tried"
        case "ordered" | "claimed":
            return "it is being sent"
        case "sent":
            return "it was sent"
        case "dropped":
            return "it was dropped"
        case _:
            return "it failed for good"
