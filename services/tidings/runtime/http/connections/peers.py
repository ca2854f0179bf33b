"""Peers: the open connections of a server, by address, and how many it admits."""

from __future__ import annotations

import logging
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tidings.runtime.client_address import address_of, is_from_proxy
from tidings.runtime.http.connections.bounds import ConnectionBounds
from tidings.runtime.http.connections.strangers import Strangers
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.setting_values import Network
from tidings.runtime.settings import Settings

RESERVED_DESCRIPTORS = 128
"""Descriptors that connections leave to NATS, Postgres and files."""
RESERVED_SHARE = 0.25
"""The largest share of the descriptors that is reserved, where few are allowed."""
DESCRIPTORS_LIMIT = 2**20
"""What Linux allows by default at most (`fs.nr_open`)."""
REPORT_INTERVAL_SECONDS = 60.0

log = logging.getLogger("tidings.connections")


class PeerMetrics(Collector):
    """Counts of the connections that a server refused or aborted, by reason."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.refused: Counter[str] = Counter()
        self.aborted: Counter[str] = Counter()
        self.open_connections = 0
        self.descriptor_limit = raise_descriptor_limit()
        if registry:
            registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield _counter(
            "tidings_connections_refused",
            "Connections that were refused before an application saw them.",
            self.refused,
        )
        yield _counter(
            "tidings_connections_aborted",
            "Connections that were reset because the peer did not read or sent too much.",
            self.aborted,
        )
        yield GaugeMetricFamily(
            "tidings_transports", "Open connections of clients.", value=self.open_connections
        )
        yield GaugeMetricFamily(
            "tidings_descriptor_limit",
            "Files and sockets that the process may have open.",
            value=self.descriptor_limit,
        )


class PeerLimits(NamedTuple):
    """How many connections are admitted; `proxies` may have any number."""

    unauthenticated_per_address: int = 0
    """0: any number."""
    authenticated_per_address: int = 0
    """0: any number. What is beyond it counts as unauthenticated."""
    proxies: Sequence[Network] = ()


class Peers:
    """The connections of one server: admits them, counts them, and reports what it refuses."""

    def __init__(
        self,
        metrics: PeerMetrics,
        limits: PeerLimits,
        bounds: ConnectionBounds,
        strangers: Strangers | None = None,
    ) -> None:
        self.bounds = bounds
        self._strangers = strangers or Strangers(None)
        self._limits = limits
        self._metrics = metrics
        self._open_limit = metrics.descriptor_limit - reserved_descriptors(metrics.descriptor_limit)
        self._unauthenticated: Counter[str] = Counter()
        self._authenticated: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()
        self._report_at = 0.0

    def admit(self, peer: str) -> PeerSlot | None:
        """Return the slot of a new connection, None if it must be refused."""
        metrics = self._metrics
        if metrics.open_connections >= self._open_limit:
            return self._refuse("descriptors")
        address = self._counted_address(peer)
        if address:
            limit = self._limits.unauthenticated_per_address
            if limit and self._unauthenticated[address] >= limit:
                return self._refuse("address")
            self._unauthenticated[address] += 1
        metrics.open_connections += 1
        return PeerSlot(self, address)

    def record_refusal(self, reason: str, address: str = "") -> None:
        """Count a refused connection or request; the log has a line a minute for all of them."""
        self._metrics.refused[reason] += 1
        self._record_fault(address)
        self._report(f"refused: {reason}")

    def record_silence(self) -> None:
        """Count a connection that was closed because no request came; browsers do that too."""
        self._metrics.refused["silent"] += 1

    def record_abort(self, reason: str, address: str = "") -> None:
        """Count a connection that was reset."""
        self._metrics.aborted[reason] += 1
        self._record_fault(address)
        self._report(f"aborted: {reason}")

    def move_authenticated(self, address: str) -> bool:
        """Count a connection as authenticated; return False if its address has too many of them."""
        limit = self._limits.authenticated_per_address
        if limit and self._authenticated[address] >= limit:
            return False
        self._authenticated[address] += 1
        decrement(self._unauthenticated, address)
        return True

    def free_address(self, address: str, *, is_authenticated: bool) -> None:
        """Count one connection of an address less."""
        decrement(self._authenticated if is_authenticated else self._unauthenticated, address)

    def count_closed(self) -> None:
        """Count one open connection less."""
        self._metrics.open_connections -= 1

    def _counted_address(self, peer: str) -> str:
        """Return the key of an address, empty for one that is not limited."""
        return "" if is_from_proxy(peer, self._limits.proxies) else address_of(peer, {}, (), "")

    def _record_fault(self, address: str) -> None:
        if address:
            self._strangers.record_fault(address)

    def _refuse(self, reason: str) -> None:
        self.record_refusal(reason)

    def _report(self, event: str) -> None:
        self._unreported[event] += 1
        now = time.monotonic()
        if now >= self._report_at:
            self._report_at = now + REPORT_INTERVAL_SECONDS
            log.warning(
                "connections were refused or aborted (%s); of %d descriptors %d are connections;"
                " the next line comes in %.0f s or later",
                ", ".join(f"{name}: {count}" for name, count in self._unreported.items()),
                self._metrics.descriptor_limit,
                self._metrics.open_connections,
                REPORT_INTERVAL_SECONDS,
            )
            self._unreported.clear()


def peers_of(settings: Settings, metrics: Metrics, strangers: Strangers | None = None) -> Peers:
    """Return the peers of a server of this process; raises InvalidSettings."""
    frame_rate = settings.rate("frame")
    bounds = ConnectionBounds(
        # The edge counts messages by this rate; frames of every kind may be twice as many.
        frame_rate=(2 * frame_rate[0], frame_rate[1]) if frame_rate else None
    )
    limits = PeerLimits(
        settings.unauthenticated_per_address, settings.connections_per_address, settings.proxies
    )
    return Peers(metrics.part(PeerMetrics), limits, bounds, strangers)


class PeerSlot:
    """The place of one open connection."""

    __slots__ = ("_counted_address", "_peers", "address")

    def __init__(self, peers: Peers, address: str) -> None:
        self._peers: Peers | None = peers
        self._counted_address = address
        self.address = address
        """Empty once the client is known, and for a proxy."""

    def set_authenticated(self) -> None:
        """Count the connection as authenticated from now on, if its address has room for it."""
        if self._peers and self.address and self._peers.move_authenticated(self.address):
            self.address = ""

    def release(self) -> None:
        """Free the place; does nothing the second time."""
        if self._peers:
            if self._counted_address:
                self._peers.free_address(self._counted_address, is_authenticated=not self.address)
            self._peers.count_closed()
            self._peers = None


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as the system permits; return the one in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _finite(hard)
    if _finite(soft) < wanted:
        with suppress(OSError, ValueError):  # some sandboxes permit no change
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            log.info("the limit of open files was raised from %d to %d", soft, wanted)
    return _finite(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _finite(limit: int) -> int:
    return min(limit, DESCRIPTORS_LIMIT) if limit != resource.RLIM_INFINITY else DESCRIPTORS_LIMIT


def reserved_descriptors(limit: int) -> int:
    """Return how many of these descriptors are not for connections."""
    return min(RESERVED_DESCRIPTORS, int(limit * RESERVED_SHARE))


def decrement(counts: Counter[str], key: str) -> None:
    """Count one less of a key; a key that is counted no more is deleted."""
    if counts[key] <= 1:
        del counts[key]
    else:
        counts[key] -= 1


def _counter(name: str, help_text: str, values: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=("reason",))
    for reason, count in values.items():
        family.add_metric((reason,), count)
    return family
