"""The lanes of an installation: one for each channel that its settings make possible."""

from __future__ import annotations

from collections.abc import Mapping

from tidings.channels.decider.partition import ChannelLane
from tidings.channels.email.sender import open_email_sender
from tidings.contracts.channels import Channel
from tidings.runtime.settings import Settings


def open_lanes(settings: Settings) -> Mapping[Channel, ChannelLane]:
    """Return the lanes of the settings; raises InvalidSettings."""
    lanes: dict[Channel, ChannelLane] = {}
    if settings.smtp_host:
        lanes["email"] = ChannelLane(open_email_sender(settings), settings.smtp_connections)
    return lanes
