"""Tests of channels: a webhook that is posted at once, signed by the secret that is told."""

from __future__ import annotations

from standardwebhooks import Webhook
from tidings.channels.operators.channel_tests import post_test_webhook
from tidings.runtime.settings import Settings

from tests.services.channels.receiver import Trust, serve_receiver, with_webhooks


async def test_a_test_webhook_is_verified_by_the_secret_that_is_told() -> None:
    trust = Trust()
    async with serve_receiver(trust) as receiver:
        receiver.answers["/full"] = "503 Service Unavailable"
        settings = with_webhooks(Settings(), receiver.port)
        url, context = receiver.url("/hook"), trust.client
        found = await post_test_webhook(settings, url, tls_context=context)
        refused = await post_test_webhook(settings, receiver.url("/full"), tls_context=context)

    (request,) = receiver.requests["/hook"]
    assert found.taken and found.secret
    Webhook(found.secret).verify(request.body, dict(request.headers))
    assert request.json["data"]["notification"]["title"] == "Webhooks work"
    assert not refused.taken
    assert refused.words.startswith("it was not taken now, and may be later: 503")
