"""The metrics of connections, by transport and dialect; counts about users, codes are bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from tidings.edge.monitoring.connection_meter import ConnectionMeter, Departures, Transport
from tidings.edge.monitoring.tally import Tally

LABELS = ("transport", "dialect")


class ConnectionMetrics(Collector):
    """The meters of an edge; a scrape reads them."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._departures = Departures()
        self._meters: dict[tuple[Transport, str], ConnectionMeter] = {}
        if registry:
            registry.register(self)

    def meter_of(self, transport: Transport, dialect: str) -> ConnectionMeter:
        """Return the meter of the connections of a transport and dialect."""
        key = transport, dialect
        if key not in self._meters:
            self._meters[key] = ConnectionMeter(transport, dialect, self._departures)
        return self._meters[key]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all meters."""
        yield self._plain(
            GaugeMetricFamily,
            "tidings_open_connections",
            "Authenticated connections that are open.",
            lambda meter: meter.open_connections,
        )
        yield self._plain(
            CounterMetricFamily,
            "tidings_connections_opened",
            "Authenticated connections that have begun.",
            lambda meter: meter.connections,
        )
        yield self._plain(
            CounterMetricFamily,
            "tidings_reconnects",
            "Connections with a cursor, or of a user who left a moment ago.",
            lambda meter: meter.reconnects,
        )
        yield self._plain(
            CounterMetricFamily,
            "tidings_messages_received",
            "Messages that clients sent on connections.",
            lambda meter: meter.messages_received,
        )
        yield self._plain(
            CounterMetricFamily,
            "tidings_messages_sent",
            "Messages that were sent to clients on connections.",
            lambda meter: meter.messages_sent,
        )
        yield self._plain(
            CounterMetricFamily,
            "tidings_heartbeat_failures",
            "Connections that ended because the client read nothing or answered no ping.",
            lambda meter: meter.heartbeat_failures,
        )
        yield self._deliveries()
        yield self._counter(
            "tidings_connections_closed",
            "Connections that ended, by close code; `client`: the client or network ended it.",
            "code",
            lambda meter: meter.closes,
        )
        yield self._counter(
            "tidings_handshakes_rejected",
            "Connections that were refused, by HTTP status or close code.",
            "reason",
            lambda meter: meter.rejections,
        )
        yield self._histogram(
            "tidings_delivery_seconds",
            "Time from the append of an event to the socket's write of its notification.",
            lambda meter: meter.latency,
        )
        yield self._histogram(
            "tidings_connection_seconds",
            "Duration of the connections that have ended.",
            lambda meter: meter.duration,
        )

    def _plain(
        self,
        kind: type[CounterMetricFamily] | type[GaugeMetricFamily],
        name: str,
        help_text: str,
        read_value: Callable[[ConnectionMeter], float],
    ) -> Metric:
        family = kind(name, help_text, labels=LABELS)
        for meter in self._meters.values():
            family.add_metric(_labels(meter), read_value(meter))
        return family

    def _deliveries(self) -> Metric:
        return self._counter(
            "tidings_deliveries",
            "Writes of new entries to connections; a failed one is repeated at the next connect.",
            "outcome",
            lambda meter: {"success": meter.delivered, "failure": meter.failed},
        )

    def _counter(
        self,
        name: str,
        help_text: str,
        label: str,
        read_values: Callable[[ConnectionMeter], dict[str, int]],
    ) -> Metric:
        family = CounterMetricFamily(name, help_text, labels=(*LABELS, label))
        for meter in self._meters.values():
            for value, count in read_values(meter).items():
                family.add_metric((*_labels(meter), value), count)
        return family

    def _histogram(
        self, name: str, help_text: str, read_tally: Callable[[ConnectionMeter], Tally]
    ) -> Metric:
        family = HistogramMetricFamily(name, help_text, labels=LABELS)
        for meter in self._meters.values():
            tally = read_tally(meter)
            family.add_metric(_labels(meter), tally.cumulative_counts(), tally.total)
        return family


def _labels(meter: ConnectionMeter) -> tuple[str, str]:
    return meter.transport, meter.dialect
