"""The presence hub: composes presence, watches and signals of one edge, and runs their loops."""

from __future__ import annotations

import asyncio

from tidings.contracts.subjects import Person
from tidings.edge.presence.cluster import TICK_INTERVAL_SECONDS, ClusterPresence
from tidings.edge.presence.local import LocalConnection
from tidings.edge.presence.members import Members
from tidings.edge.presence.rates import PresenceRates
from tidings.edge.presence.signals import Signals
from tidings.edge.presence.watches import Watches
from tidings.runtime.process import Runtime


class PresenceHub:
    """Presence, watches and signals of an edge; they work while `run` runs."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.members = Members(runtime.postgres)
        self.cluster = ClusterPresence(runtime.jetstream, settings.presence_ttl_seconds)
        self.local = self.cluster.local
        self.rates = PresenceRates()
        self.watches = Watches(self.cluster, self.members)
        self.signals = Signals(runtime.jetstream, self.local, self.members, settings.subjects)

    def add_connection(self, person: Person, connection: LocalConnection) -> None:
        """Add a connection of a user."""
        self.local.add_connection(person, connection)

    def remove_connection(self, person: Person, connection: LocalConnection) -> None:
        """Remove a connection and end its watches."""
        self.watches.end_watches(connection)
        self.local.remove_connection(person, connection, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Exchange presence, report changes and deliver signals until cancelled."""
        async with self.cluster.exchanging_gossip(), asyncio.TaskGroup() as group:
            group.create_task(self.watches.refresh_members())
            group.create_task(self.signals.deliver_signals())
            await self._report_changes()

    async def _report_changes(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.watches.mark_changed(await self.cluster.collect_changes(loop.time()))
            self.watches.report_changes(loop.time())
            await asyncio.sleep(TICK_INTERVAL_SECONDS)
