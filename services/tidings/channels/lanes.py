"""The lanes of an installation: one for each channel that its settings make possible."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from tidings.channels.decider.partition import ChannelLane
from tidings.channels.email.sender import open_email_sender
from tidings.channels.pace import Pace
from tidings.channels.push_lanes import open_push_lanes
from tidings.channels.web_lanes import open_web_lanes
from tidings.contracts.channels import Channel
from tidings.runtime.settings import Settings


@asynccontextmanager
async def open_lanes(
    settings: Settings, tls_context: ssl.SSLContext | None = None
) -> AsyncGenerator[Mapping[Channel, ChannelLane]]:
    """Open the lanes of the settings while the block lasts; raises InvalidSettings.

    `tls_context`: whose certificates are trusted at addresses of other people.
    """
    lanes: dict[Channel, ChannelLane] = {}
    async with AsyncExitStack() as stack:
        if settings.smtp_host:
            mails = open_email_sender(settings)
            stack.push_async_callback(mails.aclose)
            lanes["email"] = ChannelLane(
                mails,
                settings.smtp_connections,
                pace=Pace(settings.email_rate) if settings.email_rate else None,
                resends=settings.email_doubtful == "resend",
            )
        if settings.has_pushes:
            lanes |= await stack.enter_async_context(open_push_lanes(settings, tls_context))
        if settings.webhooks:
            lanes |= await stack.enter_async_context(open_web_lanes(settings, tls_context))
        yield lanes


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Return the channels that `open_lanes` opens lanes for, in their order."""
    found: dict[Channel, bool] = {
        "apns": settings.apns_key_file is not None,
        "chat": settings.webhooks,
        "email": settings.smtp_host is not None,
        "fcm": settings.fcm_account_file is not None,
        "webhook": settings.webhooks,
        "webpush": bool(settings.vapid_private_key),
    }
    return tuple(channel for channel, is_open in found.items() if is_open)
