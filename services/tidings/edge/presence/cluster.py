"""Cluster presence: the users connected to any edge, by gossip between edges; nothing is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import msgspec
from tidings.client.direct_client import ReceivedMessage
from tidings.client.jetstream import JetStream
from tidings.contracts.codec import encode
from tidings.contracts.gossip import (
    AnyGossip,
    Delta,
    Goodbye,
    PresenceSnapshot,
    SnapshotRequest,
    UsersByTenant,
)
from tidings.contracts.subjects import PRESENCE, Person, presence_subject
from tidings.edge.presence.local import LocalPresence, group_by_tenant
from tidings.edge.presence.remote import RemotePresence
from tidings.runtime.errors import Unavailable

TICK_INTERVAL_SECONDS = 0.2
REQUEST_INTERVAL_SECONDS = 1.0

log = logging.getLogger("tidings.presence")
_gossip_decoder: msgspec.json.Decoder[AnyGossip] = msgspec.json.Decoder(AnyGossip)


class ClusterPresence:
    """The users connected to this edge and to others.

    Users of an edge that falls silent count as online for `ttl_seconds` more.
    """

    def __init__(self, jetstream: JetStream, ttl_seconds: float) -> None:
        self._jetstream = jetstream
        self._keepalive_seconds = ttl_seconds / 3
        self._remote = RemotePresence(ttl_seconds)
        self._snapshot_requests: set[str] = set()
        self._last_sent = self._last_requested = 0.0
        self.local = LocalPresence(uuid4().hex)

    def online_users(self, tenant: str, users: Iterable[str]) -> frozenset[str]:
        """Return which of these users of a tenant are connected."""
        local, remote = self.local, self._remote
        return frozenset(
            user for user in users if (person := Person(tenant, user)) in local or person in remote
        )

    def connection_counts(self, now: float) -> list[tuple[Person, int]]:
        """Return the users of each edge with the numbers of their connections to it."""
        return [*self.local.connection_counts(), *self._remote.connection_counts(now)]

    @asynccontextmanager
    async def exchanging_gossip(self) -> AsyncGenerator[None]:
        """Exchange gossip inside the block: request snapshots first, say goodbye at the end."""
        jetstream = self._jetstream
        async with (
            jetstream.subscribe(PRESENCE, self._receive),
            jetstream.subscribe(presence_subject(self.local.edge), self._receive),
        ):
            await self._publish(SnapshotRequest(edge=self.local.edge))
            try:
                yield
            finally:
                await self._publish(Goodbye(edge=self.local.edge))

    async def collect_changes(self, now: float) -> UsersByTenant:
        """Publish local changes; return whose presence may have changed on any edge, by tenant."""
        changed, deltas = self.local.take_changes(now)
        if not deltas and self._last_sent + self._keepalive_seconds <= now:
            deltas = [self.local.keepalive()]
        for delta in deltas:
            await self._publish(delta)
            self._last_sent = now
        await self._send_snapshots()
        await self._request_snapshots(now)
        return group_by_tenant(changed | self._remote.take_changes(now))

    async def _send_snapshots(self) -> None:
        requests, self._snapshot_requests = self._snapshot_requests, set()
        for edge in requests:
            for part in self.local.snapshot_parts():
                await self._publish(part, presence_subject(edge))

    async def _request_snapshots(self, now: float) -> None:
        if self._remote.outdated_edges and self._last_requested + REQUEST_INTERVAL_SECONDS <= now:
            self._last_requested = now
            for edge in self._remote.outdated_edges:
                await self._publish(SnapshotRequest(edge=self.local.edge, of=edge))

    async def _publish(self, gossip: AnyGossip, subject: str = PRESENCE) -> None:
        # Edges that miss this delta see the gap in the next one's revision and ask for a snapshot.
        with suppress(Unavailable):
            await self._jetstream.publish(subject, encode(gossip))

    def _receive(self, delivery: ReceivedMessage) -> None:
        try:
            gossip = _gossip_decoder.decode(delivery.data)
        except (msgspec.DecodeError, ValueError):
            log.warning("ignored malformed gossip; does another version run?")
            return
        if gossip.edge != self.local.edge:
            self._apply(gossip)

    def _apply(self, gossip: AnyGossip) -> None:
        match gossip:
            case Delta() | PresenceSnapshot():
                self._remote.apply_gossip(gossip, asyncio.get_running_loop().time())
            case Goodbye():
                self._remote.forget_edge(gossip)
            case SnapshotRequest() if gossip.of in (None, self.local.edge):
                self._snapshot_requests.add(gossip.edge)
            case SnapshotRequest():
                pass
