"""The log's time: the clock of the leader that stamps the messages of `NOTIFICATIONS`."""

from __future__ import annotations

from datetime import datetime

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import NOTIFICATIONS


async def log_time(jetstream: JetStream, stream: str = NOTIFICATIONS) -> datetime:
    """Return the present moment (UTC) by the log's clock; raises Unavailable.

    `stream`: another one, whose leader may be another server.
    """
    info = await jetstream.call_api(f"STREAM.INFO.{stream}")
    return _parse(info["ts"])


def _parse(text: str) -> datetime:
    """Parse RFC 3339 with up to nine decimals, to the microsecond."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction[:6].ljust(6, '0')}+00:00")
