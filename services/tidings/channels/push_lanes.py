"""The lanes of pushes: to browsers, to Apple's devices, and to Android."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from tidings.channels.apns import open_apns_sender
from tidings.channels.decider.partition import ChannelLane
from tidings.channels.decider.places import Place
from tidings.channels.fcm import open_fcm_sender
from tidings.channels.hosts import Hosts, HostsOfPlaces
from tidings.channels.webhook.sender import host_name
from tidings.channels.webpush.sender import open_webpush_sender
from tidings.contracts.channels import Channel
from tidings.projections.preferences.settings import Device
from tidings.runtime.settings import Settings

ATTEMPTS_LIMIT = 20
"""Of one channel in one partition."""
HOST_ATTEMPTS_LIMIT = 16
"""At one push service, of all partitions together: most people's pushes go to few of them."""


@asynccontextmanager
async def open_push_lanes(
    settings: Settings, tls_context: ssl.SSLContext | None
) -> AsyncGenerator[Mapping[Channel, ChannelLane]]:
    """Open the lanes that are set up while the block lasts; raises InvalidSettings."""
    lanes: dict[Channel, ChannelLane] = {}
    hosts = HostsOfPlaces(Hosts(attempts_limit=HOST_ATTEMPTS_LIMIT), push_host)
    async with AsyncExitStack() as stack:
        if settings.vapid_private_key:
            browsers = await stack.enter_async_context(open_webpush_sender(settings, tls_context))
            lanes["webpush"] = ChannelLane(browsers, ATTEMPTS_LIMIT, hosts)
        if settings.apns_key_file:
            apple = await stack.enter_async_context(open_apns_sender(settings, tls_context))
            lanes["apns"] = ChannelLane(apple, ATTEMPTS_LIMIT, hosts)
        if settings.fcm_account_file:
            android = await stack.enter_async_context(open_fcm_sender(settings, tls_context))
            lanes["fcm"] = ChannelLane(android, ATTEMPTS_LIMIT, hosts)
        yield lanes


def push_host(place: Place) -> str:
    """Return the push service of a device: the host of a browser's, else its kind."""
    if not isinstance(place, Device):
        return ""
    subscription = place.value.subscription
    return host_name(subscription.endpoint) if subscription else place.value.kind
