"""The lanes of webhooks and chats: one client, and the same hosts, for both."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from tidings.channels.chat.apprise_sender import open_apprise_sender
from tidings.channels.chat.sender import ChatSender
from tidings.channels.confirmation_links import open_confirmation_links
from tidings.channels.decider.partition import ChannelLane
from tidings.channels.endpoints.directory import EndpointDirectory
from tidings.channels.endpoints.partition_endpoints import Endpoints
from tidings.channels.endpoints.poster import EventPoster
from tidings.channels.hosts import Hosts, HostsOfPlaces
from tidings.channels.webhook.post import WebhookClient
from tidings.channels.webhook.sender import WebhookSender, webhook_host
from tidings.channels.webhook.sign import WebhookSecrets
from tidings.channels.words import load_words
from tidings.contracts.channels import Channel
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings

ATTEMPTS_LIMIT = 16
"""Of one channel in one partition."""


def endpoints_of(runtime: Runtime, lanes: Mapping[Channel, ChannelLane]) -> Endpoints | None:
    """Return what posts events to endpoints, over the connections of webhooks; None without."""
    lane = lanes.get("webhook")
    if lane is None or lane.hosts is None or not isinstance(lane.sender, WebhookSender):
        return None
    poster = EventPoster(lane.sender.client, lane.sender.secrets, lane.hosts.hosts)
    return Endpoints(EndpointDirectory(runtime), poster)


@asynccontextmanager
async def open_web_lanes(
    settings: Settings, tls_context: ssl.SSLContext | None
) -> AsyncGenerator[Mapping[Channel, ChannelLane]]:
    """Open the lanes while the block lasts; raises InvalidSettings."""
    secrets, links = WebhookSecrets(settings.channel_key), open_confirmation_links(settings)
    client = WebhookClient(
        networks=settings.webhook_networks,
        ports=settings.webhook_port_numbers,
        tls_context=tls_context,
    )
    hosts = HostsOfPlaces(Hosts(), webhook_host)
    chats = ChatSender(
        client,
        load_words(),
        links,
        settings.product_name,
        settings.product_url,
        open_apprise_sender(),
    )
    async with client:
        yield {
            "webhook": ChannelLane(WebhookSender(client, secrets, links), ATTEMPTS_LIMIT, hosts),
            "chat": ChannelLane(chats, ATTEMPTS_LIMIT, hosts),
        }
