"""What a frame of a dialect costs beside a canonical one: the same people, tabs and entries, the same edge, one after the other."""

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


class Spoken(NamedTuple):
    """What a front end is called, where it listens, which of its frames bring notifications, how many frames come with each.

    Canonical frames that bring something have a stamp in them; the others say but where the client stands.
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
        found = running.crowd(websockets=websockets, streams=streams, per_user=tabs)
        said = {"counts": self.counts, "stamp": self.stamp, "ready": self.ready, "say": self.say}
        return msgspec.structs.replace(
            found, websocket_path=self.path, stream_path=self.path, **said
        )


SPOKEN = (
    (
        Spoken(
            "canonical WebSocket",
            "websocket",
            "/v1/socket",
            '"type":"entries"',
            stamp="sent_ns",
            ready='"type":"live"',
            say="",
        ),
        Spoken("chat", "websocket", "/ws/notifications", '"type":"notification"'),
        Spoken("barbershop", "websocket", "/api/v1/ws", '"type":"notification"'),
        Spoken("field service", "websocket", "/ws", '"data":{"notification"', frames=2),
        Spoken(
            "incidents",
            "websocket",
            "/api/v1/ws/notifications",
            '"event":"notification:new"',
            frames=2,
        ),
    ),
    (
        Spoken(
            "canonical stream",
            "stream",
            "/v1/stream",
            '"type":"entries"',
            stamp="sent_ns",
            ready='"type":"live"',
            say="",
        ),
        Spoken(
            "volunteers",
            "stream",
            "/notifications/stream",
            "event: system_announcement",
            ready="event: connected",
            say="",
        ),
    ),
)
"""Of each kind of connection, the canonical protocol first."""


async def dialects() -> AsyncIterator[Row]:
    """Processor time a frame, of the canonical protocol and of each dialect on the same kind of connection."""
    async with system("edge") as running:
        for canonical, *others in SPOKEN:
            base = (await _cost(running, canonical)).microseconds
            yield Row(
                figure=f"200 users with 5 tabs, {canonical.name}, processor a frame",
                measured=base,
                unit="µs",
            )
            for spoken in others:
                microseconds = (await _cost(running, spoken)).microseconds / spoken.frames
                yield Row(figure=f"… {spoken.name}", measured=microseconds, unit="µs")
                yield Row(
                    figure="… ÷ canonical", measured=microseconds / base, unit="×", limit=LIMIT
                )


async def _cost(running: System, spoken: Spoken, tabs: int = TABS) -> FrameCost:
    per_second = FRAMES_PER_SECOND / (tabs * spoken.frames)
    async with clients(spoken.crowd(running, tabs)) as connected:

        async def told(count: int) -> None:
            await deliver(
                running.runtime.appender(), running.entries(USERS * TABS // tabs), count, per_second
            )

        return await cost_of(running, connected, told, int(per_second * SECONDS), tabs)
