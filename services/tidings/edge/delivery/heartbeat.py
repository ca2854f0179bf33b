"""The heartbeat: sends idle clients their cursor, and counts that changed by time alone."""

from __future__ import annotations

import asyncio
import random
import time

from tidings.client.jetstream import JetStream
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.ring import Ring

CHECK_INTERVAL_SECONDS = 0.5


class Heartbeat:
    """Sends heartbeats; each user has an own phase, shared by all their connections."""

    def __init__(self, jetstream: JetStream, hub: Hub, ring: Ring, interval_seconds: float) -> None:
        self._jetstream = jetstream
        self._hub = hub
        self._ring = ring
        self._interval_seconds = interval_seconds
        self._log_unreachable = False

    async def run(self) -> None:
        """Send what is due until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(CHECK_INTERVAL_SECONDS, self._interval_seconds / 4))
            self._send_heartbeats(loop.time())
            self._send_expired_counts(time.time())

    def _send_heartbeats(self, now: float) -> None:
        """Send the heartbeats that are due, or all when the log became reachable or unreachable."""
        before, self._log_unreachable = self._log_unreachable, not self._jetstream.connected
        changed = before != self._log_unreachable
        for stream in self._hub.streams(lambda each: changed or each.heartbeat_due <= now):
            # The first one comes at a random time, so that users who connected together spread out.
            wait = self._interval_seconds
            stream.heartbeat_due = now + (wait if stream.heartbeat_due else random.uniform(0, wait))
            stream.send_heartbeat(self._ring.head, self._log_unreachable)

    def _send_expired_counts(self, now: float) -> None:
        """Send the counts of those whose snooze ended or whose notification expired."""
        for stream in self._hub.streams(lambda each: each.next_expiry <= now):
            stream.send_counts()
