"""Post a web push: encrypted, signed, and what the answer of the push service means."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import NamedTuple

from tidings.channels.results import Deferred, Failed, LanePaused, SendResult
from tidings.channels.webhook.post import WebhookClient
from tidings.channels.webpush.encrypt import encrypt_push
from tidings.channels.webpush.vapid import VapidTokens
from tidings.domains.addresses.events import PushSubscription

NOT_FOUND = "404"
TOO_LARGE = "413"
NOT_AUTHORISED = ("400", "401", "403")
"""The push service does not accept the VAPID token, whoever the browser is."""


class WebPush(NamedTuple):
    """What is pushed to a browser. `short`: what is sent instead if it is too large for the
    service; `topic`: a push that was not delivered yet is replaced by a later one of the same.
    """

    subscription: PushSubscription
    payload: bytes
    short: bytes
    ttl_seconds: int
    urgency: str
    topic: str


class WebPushClient:
    """Posts web pushes to the push services that browsers chose."""

    def __init__(self, client: WebhookClient, tokens: VapidTokens) -> None:
        self._client = client
        self._tokens = tokens

    async def push(self, push: WebPush) -> SendResult:
        """Push, and push what is too large again as its short form; raises nothing."""
        result = await self._post(push, push.payload)
        if result.code == TOO_LARGE and push.payload != push.short:
            result = await self._post(push, push.short)
        return _meaning_of(result)

    async def _post(self, push: WebPush, payload: bytes) -> SendResult:
        endpoint = push.subscription.endpoint
        try:
            keys = (_decode(push.subscription.p256dh), _decode(push.subscription.auth))
            body = encrypt_push(payload, *keys)
            authorization = self._tokens.authorization_for(endpoint)
        except ValueError:
            return Failed(reason="invalid", code="keys")
        headers = {
            "authorization": authorization,
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(push.ttl_seconds),
            "urgency": push.urgency,
            "topic": push.topic,
        }
        return await self._client.post(endpoint, body, headers)


def _meaning_of(result: SendResult) -> SendResult:
    """Return what an answer means for a push. Its text is left out: it may hold the endpoint."""
    code = result.code
    if not isinstance(result, Deferred):
        return (
            Failed(reason=result.reason, code=code, suppress=result.suppress)
            if isinstance(result, Failed)
            else type(result)(code=code)
        )
    if code == NOT_FOUND:
        return Failed(reason="gone", code=code, suppress="gone")
    if code == TOO_LARGE:
        return Failed(reason="invalid", code=code)
    if code in NOT_AUTHORISED:
        return LanePaused(code=code, reply="the push service refuses the VAPID key or its subject")
    return Deferred(code=code, after_seconds=result.after_seconds)


def _decode(text: str) -> bytes:
    """Return the bytes of base64url, with padding or without; raises ValueError."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
