"""Company: what people connected to an edge see and hear of each other; presence, watches and signals together."""

from __future__ import annotations

import asyncio

from tidings.contracts.subjects import Person
from tidings.edge.here import Tab
from tidings.edge.members import Members
from tidings.edge.presence import TICK_SECONDS, Presence
from tidings.edge.signals import Signals
from tidings.edge.watches import Watches
from tidings.runtime.process import Runtime


class Company:
    """Alive while `run` runs."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.members = Members(runtime.postgres)
        self.presence = Presence(runtime.jetstream, settings.presence_seconds)
        self.here = self.presence.here
        self.watches = Watches(self.presence, self.members)
        self.signals = Signals(runtime.jetstream, self.here, self.members, settings.partitions)

    def join(self, person: Person, tab: Tab) -> None:
        """One more connection."""
        self.here.join(person, tab)

    def leave(self, person: Person, tab: Tab) -> None:
        """One connection less, and its watches with it."""
        self.watches.leave(tab)
        self.here.leave(person, tab, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Share, tell and deliver until cancelled."""
        async with self.presence.shared(), asyncio.TaskGroup() as group:
            group.create_task(self.watches.renew())
            group.create_task(self.signals.deliver())
            await self._tick()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.watches.stir(await self.presence.tick(loop.time()))
            self.watches.tell(loop.time())
            await asyncio.sleep(TICK_SECONDS)
