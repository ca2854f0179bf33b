"""The endpoints of a partition's tenants: a feed for each, while this process leads."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.endpoints.directory import EndpointDirectory, RegisteredEndpoint
from tidings.channels.endpoints.feed import EndpointFeed
from tidings.channels.endpoints.poster import EventPoster
from tidings.contracts.endpoint_attempts import EndpointAttempt, decode_endpoint_attempt
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime


class Endpoints(NamedTuple):
    """What all partitions of a process share to post events to endpoints."""

    directory: EndpointDirectory
    poster: EventPoster


class PartitionEndpoints:
    """Posts to the endpoints of a partition's tenants; one that fails holds up no other."""

    def __init__(self, runtime: Runtime, endpoints: Endpoints, entries: PartitionLog) -> None:
        self._runtime = runtime
        self._directory, self._poster = endpoints
        self._entries = entries
        self._feeds: dict[tuple[str, str], tuple[EndpointFeed, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Post until something fails; raises Fenced or Unavailable."""
        changed = self._directory.changed(self._entries.number)
        await self._directory.ready.wait()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    changed.clear()
                    await self._fit(group)
                    await changed.wait()
        finally:
            for key in list(self._feeds):
                self._end(key)

    async def _fit(self, group: asyncio.TaskGroup) -> None:
        """Begin and end feeds, so that there is one for each usable endpoint."""
        found = list(self._directory.endpoints_of(self._entries.number))
        wanted = {(tenant, each.endpoint.id): each for tenant, each in found}
        for key in self._feeds.keys() - wanted.keys():
            self._end(key)
        for (tenant, identifier), endpoint in wanted.items():
            if running := self._feeds.get((tenant, identifier)):
                running[0].update(endpoint)
            else:
                await self._begin(group, tenant, endpoint)

    async def _begin(
        self, group: asyncio.TaskGroup, tenant: str, endpoint: RegisteredEndpoint
    ) -> None:
        state = await self._state_of(tenant, endpoint)
        feed = EndpointFeed(
            self._runtime, tenant, endpoint, state, self._entries, self._poster, self._directory
        )
        self._directory.subscribe(tenant, feed.news)
        self._feeds[tenant, endpoint.endpoint.id] = feed, group.create_task(feed.run())

    def _end(self, key: tuple[str, str]) -> None:
        feed, task = self._feeds.pop(key)
        self._directory.unsubscribe(key[0], feed.news)
        task.cancel()

    async def _state_of(self, tenant: str, each: RegisteredEndpoint) -> EndpointAttempt:
        """Return where an endpoint goes on: a new one after the event that registered it.

        What was appended between a withdrawal and that is not posted, unless a replay asks for it.
        """
        jetstream = self._runtime.jetstream
        subject = self._runtime.settings.subjects.endpoint_subject(tenant, each.endpoint.id)
        message = await last_message(jetstream, NOTIFICATIONS, subject)
        state = decode_endpoint_attempt(message.data) if message else None
        if state is None or max(state.position, state.replay) < each.registered:
            return EndpointAttempt(position=each.registered, at=await log_time(jetstream))
        return state if state.state != "suppressed" else restored(state)


def restored(state: EndpointAttempt) -> EndpointAttempt:
    """Return the state of an endpoint that was turned off and is in use again."""
    return EndpointAttempt(position=state.position, at=state.at, replay=state.replay)
