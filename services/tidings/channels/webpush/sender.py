"""The sender of web pushes: composes each one and posts it to the push service of the browser."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from tidings.channels.decider.lane import Letter
from tidings.channels.push_content import PushContent, push_content, topic_of, ttl_seconds
from tidings.channels.results import Failed, SendResult
from tidings.channels.webhook.post import WebhookClient
from tidings.channels.webpush.encrypt import PAYLOAD_LIMIT_BYTES
from tidings.channels.webpush.post import WebPush, WebPushClient
from tidings.channels.webpush.vapid import VapidTokens
from tidings.channels.words import load_words
from tidings.contracts.codec import encode
from tidings.contracts.notifications import Priority
from tidings.projections.preferences.settings import Device
from tidings.runtime.settings import Settings

URGENCIES: Mapping[Priority, str] = MappingProxyType(
    {"low": "low", "normal": "normal", "high": "high", "critical": "high"}
)
"""How urgent a push is for a device that saves power (RFC 8030, section 5.3)."""


class WebPushSender:
    """Sends pushes to browsers."""

    def __init__(self, client: WebPushClient, *, product_url: str | None, id_only: bool) -> None:
        """`id_only`: pushes name the notification, and browsers fetch what it says."""
        self._client = client
        self._words = load_words()
        self._product_url = product_url
        self._id_only = id_only

    async def send(self, letter: Letter) -> SendResult:
        """Push to the browser of a letter; raises nothing but cancellation."""
        device = letter.place
        if not isinstance(device, Device) or device.value.subscription is None:
            return Failed(reason="invalid", code="no_address")
        content = push_content(
            letter, device, self._words, product_url=self._product_url, id_only=self._id_only
        )
        short = encode(content.short())
        return await self._client.push(
            WebPush(
                subscription=device.value.subscription,
                payload=_fitting(content, short),
                short=short,
                ttl_seconds=ttl_seconds(letter),
                urgency=URGENCIES[letter.notifications[-1].priority],
                topic=topic_of(letter, content.tag),
            )
        )


@asynccontextmanager
async def open_webpush_sender(
    settings: Settings, tls_context: ssl.SSLContext | None = None
) -> AsyncGenerator[WebPushSender]:
    """Open a sender for the settings while the block lasts; raises InvalidSettings.

    `tls_context`: whose certificates are trusted, those of the system by default.
    """
    tokens = VapidTokens(settings.vapid_key, settings.vapid_contact, time.time)
    async with WebhookClient(
        networks=settings.webhook_networks,
        ports=settings.webhook_port_numbers,
        tls_context=tls_context,
    ) as client:
        yield WebPushSender(
            WebPushClient(client, tokens),
            product_url=settings.product_url,
            id_only=settings.push_id_only,
        )


def _fitting(content: PushContent, short: bytes) -> bytes:
    """Return the payload, without what it says if that is too long for a push."""
    payload = encode(content)
    return payload if len(payload) <= PAYLOAD_LIMIT_BYTES else short
