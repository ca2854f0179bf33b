"""Meters: count the connections of one transport and dialect, and their messages.

A frame costs a few additions to plain numbers; the collector turns them into metrics at a scrape.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from tidings.contracts.close_codes import CloseCode
from tidings.contracts.subjects import Person
from tidings.edge.connection.refusals import REFUSALS, close_code_and_reason
from tidings.edge.monitoring.tally import Tally

CANONICAL = "canonical"
CLIENT_LEFT = "client"
"""The code of a connection that the client ended, or the network."""
UNANSWERED_PING = 1011
RECONNECT_WITHIN_SECONDS = 60.0
DEPARTURES_LIMIT = 10_000
LATENCY_BOUNDS_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
DURATION_BOUNDS_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 10_800.0)

log = logging.getLogger("tidings.edge")

Transport = Literal["websocket", "event_stream"]


class Departures:
    """Users whose connections ended a moment ago; each departure explains one reconnect."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left_at: dict[tuple[Person, str], float] = {}

    def add_departure(self, person: Person, dialect: str) -> None:
        """Record that a user left; the oldest departures are removed."""
        self._left_at.pop((person, dialect), None)
        self._left_at[person, dialect] = self._now()
        while len(self._left_at) > DEPARTURES_LIMIT:
            del self._left_at[next(iter(self._left_at))]

    def take_departure(self, person: Person, dialect: str) -> bool:
        """Remove the departure of a user; return whether it was a moment ago."""
        left_at = self._left_at.pop((person, dialect), None)
        return left_at is not None and self._now() - left_at <= RECONNECT_WITHIN_SECONDS


class ConnectionMeter:
    """The counts of all connections of one transport and dialect."""

    __slots__ = (
        *("_departures", "closes", "connections", "delivered", "dialect", "duration"),
        *("failed", "heartbeat_failures", "latency", "messages_received", "messages_sent"),
        *("open_connections", "reconnects", "rejections", "transport"),
    )

    def __init__(self, transport: Transport, dialect: str, departures: Departures) -> None:
        self.transport = transport
        self.dialect = dialect
        self._departures = departures
        self.open_connections = self.connections = self.reconnects = 0
        self.messages_received = self.messages_sent = 0
        self.delivered = self.failed = self.heartbeat_failures = 0
        self.closes: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.latency = Tally(LATENCY_BOUNDS_SECONDS)
        self.duration = Tally(DURATION_BOUNDS_SECONDS)

    def record_delivery(self, logged_nanoseconds: int) -> None:
        """Count the delivery of new entries, and the time since their event was logged."""
        self.delivered += 1
        self.latency.add_value((time.time_ns() - logged_nanoseconds) / 1e9)

    def record_arrival(self, person: Person, *, has_cursor: bool) -> None:
        """Count a connection that begins, as a reconnect too if it is one.

        It is one if the client sent a cursor, or if the user left a connection of the same dialect
        on this edge within `RECONNECT_WITHIN_SECONDS`.
        """
        self.open_connections += 1
        self.connections += 1
        if self._departures.take_departure(person, self.dialect) or has_cursor:
            self.reconnects += 1

    def record_departure(self, person: Person, seconds: float, code: int | None) -> None:
        """Count a connection that ended; `code` is the edge's close code, None for the client's."""
        self.open_connections -= 1
        self.duration.add_value(seconds)
        self._departures.add_departure(person, self.dialect)
        if self.transport == "event_stream" or code is None:
            self.closes[str(code or CLIENT_LEFT)] += 1
        if code == int(CloseCode.TOO_SLOW):
            self.heartbeat_failures += 1

    def record_disconnect(self, code: int) -> None:
        """Count a client that answered no pings; `code` is that of the WebSocket's end."""
        if code == UNANSWERED_PING:
            self.heartbeat_failures += 1


class MeteredSession:
    """The time of one connection, from its authentication to its end; logs both."""

    __slots__ = ("_began", "_connection", "_has_cursor", "_meter", "_person")

    def __init__(
        self, meter: ConnectionMeter, connection: str, person: Person, *, has_cursor: bool
    ) -> None:
        self._meter = meter
        self._connection = connection
        self._person = person
        self._has_cursor = has_cursor

    def __enter__(self) -> None:
        self._began = time.monotonic()
        meter, person = self._meter, self._person
        meter.record_arrival(person, has_cursor=self._has_cursor)
        log.info(
            "connected: connection %s of user %s, tenant %s, %s, %s",
            *(self._connection, person.user, person.tenant, meter.dialect, meter.transport),
        )

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        seconds, code = time.monotonic() - self._began, close_code_of(error)
        meter, person = self._meter, self._person
        meter.record_departure(person, seconds, code)
        log.info(
            "disconnected: connection %s of user %s, tenant %s, %s, %s, code %s after %.1f s",
            *(self._connection, person.user, person.tenant, meter.dialect, meter.transport),
            *(code or CLIENT_LEFT, seconds),
        )


def close_code_of(error: BaseException | None) -> int | None:
    """Return the code with which the edge closes a connection, None if the client left."""
    return int(close_code_and_reason(error)[0]) if isinstance(error, REFUSALS) else None
