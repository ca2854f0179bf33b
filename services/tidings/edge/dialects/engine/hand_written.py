"""Notifications written by hand: from a request of a product to an event in the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from litestar import Request
from tidings.client.appender import Appender
from tidings.contracts.codec import InvalidEvent, encode
from tidings.contracts.ids import NotificationIds, OwnEventIds, event_key
from tidings.contracts.messages import OversizedEvent, event_message
from tidings.contracts.subjects import Person, Subjects
from tidings.domains.announcements.events import NotificationRequested
from tidings.domains.announcements.rules import RULES
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import Identity, MissingClaims
from tidings.runtime.http.idempotency.middleware import request_name
from tidings.runtime.http.problem import Problem


class RequestedEvent(NamedTuple):
    """The event of a notification written by hand, which is in the log."""

    tenant: str
    source: str
    id: str

    def notification_id_for(self, user: str) -> str:
        """Return the id that the notification of a named user will have."""
        [rule] = [rule.name for rule in RULES if rule.event_type is NotificationRequested]
        return NotificationIds(event_key(self.tenant, self.source, self.id), rule).id_for(user)


class HandWrittenNotifications(NamedTuple):
    """Appends notifications written by hand; `access` admits who may emit."""

    access: Access
    appender: Appender
    subjects: Subjects
    own_ids: OwnEventIds
    link_hosts: Collection[str]

    async def authorize(self, request: Request[Any, Any, Any], dialect: str) -> Identity:
        """Return the sender of a request; raises Unauthorised without the scope `emit`."""
        rate = self.access.shared_buckets("event")
        identity, rights = await self.access.authorize_producer(
            request.scope, rate, dialect=dialect
        )
        if not rights.permits(NotificationRequested.type):
            raise MissingClaims(f"the token needs the scope `emit:{NotificationRequested.type}`")
        return identity

    async def append(
        self, request: Request[Any, Any, Any], sender: Person, source: str, data: Mapping[str, Any]
    ) -> RequestedEvent:
        """Append the event; a repetition with its idempotency key appends nothing new.

        Raises Problem if the data is not valid, or Unavailable.
        """
        fields = {name: value for name, value in data.items() if value is not None}
        digest = sha256(encode(fields)).hexdigest()
        identifier = self.own_ids.request_event_id(sender.user, request_name(request), digest)
        requested = RequestedEvent(sender.tenant, source, identifier)
        event = {
            "specversion": "1.0",
            "id": requested.id,
            "source": source,
            "type": NotificationRequested.type,
            "tenant": sender.tenant,
            "actor": sender.user,
            "data": fields,
        }
        try:
            body = encode(event)
            self.access.charge_tenant(request.scope, sender.tenant, size=len(body))
            message = event_message(body, sender.tenant, self.subjects, link_hosts=self.link_hosts)
        except InvalidEvent as error:
            status = 413 if isinstance(error, OversizedEvent) else 400
            raise Problem(status, "bad request", error.reason, field=error.field) from None
        await self.appender.append(message)
        return requested
