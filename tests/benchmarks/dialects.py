"""Measure the cost of a dialect's frame beside a canonical one.

Users, tabs, entries and edge are the same; the measurements run one after the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from tests.benchmarks.clients import Crowd
from tests.benchmarks.edge import FrameCost, cost_of
from tests.benchmarks.entries import deliver
from tests.benchmarks.measure import Row
from tests.benchmarks.plain_stack import Kind
from tests.benchmarks.processes import clients
from tests.benchmarks.system import System, system

USERS, TABS = 200, 5
FRAMES_PER_SECOND = 10_000
SECONDS = 3
LIMIT = 1.2


class DialectFrontEnd(NamedTuple):
    """A front end: name, path, the frames that carry notifications, and the frames per
    notification.

    Canonical frames that carry notifications have a stamp; the others only state the cursor.
    """

    name: str
    kind: Kind
    path: str
    counts: str
    frames: int = 1
    stamp: str = ""
    ready: str = '"type":"pong"'
    say: str = '{"type":"ping"}'

    def crowd(self, running: System, tabs: int) -> Crowd:
        """Its clients."""
        count = USERS * TABS
        websockets, streams = (count, 0) if self.kind == "websocket" else (0, count)
        base_crowd = running.crowd(websockets=websockets, streams=streams, per_user=tabs)
        fields = {"counts": self.counts, "stamp": self.stamp, "ready": self.ready, "say": self.say}
        return msgspec.structs.replace(
            base_crowd, websocket_path=self.path, stream_path=self.path, **fields
        )


SPOKEN = (
    (
        DialectFrontEnd(
            "canonical WebSocket",
            "websocket",
            "/v1/socket",
            '"type":"entries"',
            stamp="sent_ns",
            ready='"type":"live"',
            say="",
        ),
        DialectFrontEnd("chat", "websocket", "/ws/notifications", '"type":"notification"'),
        DialectFrontEnd("barbershop", "websocket", "/api/v1/ws", '"type":"notification"'),
        DialectFrontEnd("field service", "websocket", "/ws", '"data":{"notification"', frames=2),
        DialectFrontEnd(
            "incidents",
            "websocket",
            "/api/v1/ws/notifications",
            '"event":"notification:new"',
            frames=2,
        ),
    ),
    (
        DialectFrontEnd(
            "canonical stream",
            "stream",
            "/v1/stream",
            '"type":"entries"',
            stamp="sent_ns",
            ready='"type":"live"',
            say="",
        ),
        DialectFrontEnd(
            "volunteers",
            "stream",
            "/notifications/stream",
            "event: notification",
            ready="event: connected",
            say="",
        ),
    ),
)
"""Of each kind of connection, the canonical protocol first."""


async def dialects() -> AsyncIterator[Row]:
    """Measure the processor time per frame of the canonical protocol and of each dialect."""
    async with system("edge") as running:
        for canonical, *others in SPOKEN:
            base = (await _cost(running, canonical)).microseconds
            yield Row(
                figure=f"200 users with 5 tabs, {canonical.name}, processor a frame",
                value=base,
                unit="µs",
            )
            for dialect in others:
                microseconds = (await _cost(running, dialect)).microseconds / dialect.frames
                yield Row(figure=f"… {dialect.name}", value=microseconds, unit="µs")
                yield Row(figure="… ÷ canonical", value=microseconds / base, unit="×", limit=LIMIT)


async def _cost(running: System, dialect: DialectFrontEnd, tabs: int = TABS) -> FrameCost:
    per_second = FRAMES_PER_SECOND / (tabs * dialect.frames)
    async with clients(dialect.crowd(running, tabs)) as crowd_clients:

        async def notify(count: int) -> None:
            await deliver(
                running.runtime.appender(), running.entries(USERS * TABS // tabs), count, per_second
            )

        return await cost_of(running, crowd_clients, notify, int(per_second * SECONDS), tabs)
