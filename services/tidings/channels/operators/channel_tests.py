"""Tests of channels: one real message to an address of an operator, and what came of it."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from tidings.channels.decider.lane import Letter, Sender
from tidings.channels.email.sender import open_email_sender
from tidings.channels.http.device_tests import test_notification
from tidings.channels.results import (
    Deferred,
    Doubtful,
    Failed,
    LanePaused,
    SendResult,
    Sent,
    answer_text,
)
from tidings.channels.web_lanes import open_web_lanes
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret
from tidings.contracts.channels import AddressChannel
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Address, PersonSettings
from tidings.projections.preferences.values import AddressValue
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

OPERATOR = Person("tidings", "operator")
ADDRESS = "test"
TEST_WORDS: dict[AddressChannel, str] = {"email": "mail-test", "webhook": "webhook-test"}
"""The names of the texts of a test."""
NO_MAILS = "mails are not set up here: set TIDINGS_SMTP_HOST and TIDINGS_CHANNEL_SECRET"
NO_WEBHOOKS = "webhooks are not set up here: set TIDINGS_WEBHOOKS=true and TIDINGS_CHANNEL_SECRET"


class ChannelTest(NamedTuple):
    """What came of a test: whether the message was taken, and what the other side said.

    `secret`: the one that signed it, if any.
    """

    taken: bool
    words: str
    secret: str | None = None


async def send_test_mail(
    settings: Settings, address: str, locale: str | None = None
) -> ChannelTest:
    """Mail a test to an address; raises InvalidSettings."""
    if settings.smtp_host is None or settings.channel_secret is None:
        raise InvalidSettings(NO_MAILS)
    sender = open_email_sender(settings)
    try:
        return _outcome(await _send(sender, "email", address, locale))
    finally:
        await sender.aclose()


async def post_test_webhook(
    settings: Settings,
    url: str,
    locale: str | None = None,
    tls_context: ssl.SSLContext | None = None,
) -> ChannelTest:
    """Post a test to a web address, behind the guard of all webhooks; raises InvalidSettings.

    `tls_context`: whose certificates are trusted there.
    """
    if settings.channel_secret is None:
        raise InvalidSettings(NO_WEBHOOKS)
    secret = WebhookSecrets(settings.channel_key).address_secret(OPERATOR, ADDRESS, 1)
    async with open_web_lanes(settings, tls_context) as lanes:
        result = await _send(lanes["webhook"].sender, "webhook", url, locale)
    return _outcome(result)._replace(secret=shown_secret(secret))


async def _send(
    sender: Sender, channel: AddressChannel, address: str, locale: str | None
) -> SendResult:
    notification = test_notification(OPERATOR, locale, TEST_WORDS[channel])
    value = AddressValue(channel=channel, address=address, confirmed=True)
    return await sender.send(
        Letter(
            delivery=notification.id,
            person=OPERATOR,
            place=Address(ADDRESS, 0, value, confirmed=True, suppressed=None),
            settings=PersonSettings(locale=locale),
            notifications=(notification,),
            total=1,
            summary=False,
            required=True,
            at=notification.created,
        )
    )


def _outcome(result: SendResult) -> ChannelTest:
    said = answer_text(result.code, result.reply)
    match result:
        case Sent():
            return ChannelTest(True, f"the other side took it: {said}")
        case Deferred():
            return ChannelTest(False, f"it was not taken now, and may be later: {said}")
        case Failed():
            return ChannelTest(False, f"it was refused for good: {said}")
        case Doubtful():
            return ChannelTest(False, f"the answer was lost, so it may have arrived: {said}")
        case LanePaused():
            return ChannelTest(False, f"nothing can be sent until this is mended: {said}")
