"""The poster of events: makes the request of an event to an endpoint, and posts it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from tidings.channels.hosts import Hosts, TenantHost
from tidings.channels.results import SendResult
from tidings.channels.webhook.post import BODY_LIMIT_BYTES, WebhookClient, WebhookRequest
from tidings.channels.webhook.sender import host_name, valid_generations
from tidings.channels.webhook.sign import WebhookSecrets
from tidings.contracts.cloudevents import CloudEvent
from tidings.projections.preferences.settings import Endpoint
from tidings.runtime.log.follow import StreamMessage

_SAFE_CHARACTERS = "-_.~:/@+="

_event_decoder = msgspec.json.Decoder(CloudEvent)
_encoder = msgspec.json.Encoder()


class EventPoster:
    """Posts events to endpoints, over the connections that webhooks share."""

    def __init__(self, client: WebhookClient, secrets: WebhookSecrets, hosts: Hosts) -> None:
        self._client = client
        self._secrets = secrets
        self._hosts = hosts

    def host_of(self, tenant: str, endpoint: Endpoint) -> TenantHost:
        """Return the host of an endpoint."""
        return self._hosts.host(host_name(endpoint.value.url), tenant)

    async def post_event(
        self, tenant: str, endpoint: Endpoint, event: RecordedCloudEvent, at: datetime
    ) -> SendResult:
        """Post an event; each time that it is repeated, its `webhook-id` is the same."""
        value = endpoint.value
        generations = valid_generations(value.generation, value.previous_until, at)
        request = WebhookRequest(
            value.url,
            event.webhook_id,
            event.body(),
            [self._secrets.secret_of(tenant, endpoint.id, each) for each in generations],
        )
        return await self._client.post_webhook(request)


class RecordedCloudEvent:
    """An event of the log as endpoints get it; raises msgspec.DecodeError if it is none."""

    def __init__(self, message: StreamMessage) -> None:
        self.sequence = message.sequence
        self._event = _event_decoder.decode(message.data)
        self._appended = datetime.fromtimestamp(message.time_nanoseconds / 1e9, UTC)

    @property
    def type(self) -> str:
        """Return its type."""
        return self._event.type

    @property
    def webhook_id(self) -> str:
        """Return its id; what a header cannot have is percent-encoded."""
        return quote(self._event.id, safe=_SAFE_CHARACTERS)

    def body(self) -> bytes:
        """Return `{type, timestamp, data}`; data that is too large is left out, and said so."""
        body = self._body(data=self._event.data)
        return body if len(body) < BODY_LIMIT_BYTES else self._body(data={}, truncated=True)

    def _body(self, **more: Any) -> bytes:
        fields: Mapping[str, Any] = {
            "type": self._event.type,
            "timestamp": self._event.time or self._appended,
        }
        return _encoder.encode({**fields, **more})
