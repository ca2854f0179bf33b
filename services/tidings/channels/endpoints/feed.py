"""The feed of an endpoint: posts one event after the other, each until it is settled."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

import msgspec
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.endpoints.directory import EndpointDirectory, RegisteredEndpoint
from tidings.channels.endpoints.poster import EventPoster, RecordedCloudEvent
from tidings.channels.endpoints.state import (
    after_attempt,
    replayed,
    suppressed,
    suppression_after,
)
from tidings.channels.results import SendResult
from tidings.contracts.endpoint_attempts import EndpointAttempt, endpoint_message
from tidings.contracts.messages import OwnEventSubject, own_event_message
from tidings.contracts.subjects import EVENTS
from tidings.domains.deliveries.events import (
    CODE_LIMIT_CHARACTERS,
    ChannelSuppressed,
    SuppressionReason,
)
from tidings.runtime.log.read import first_sequence_since, read
from tidings.runtime.process import Runtime

PAGE_MESSAGES = 100
SAVED_AFTER_EVENTS = 10_000
"""After so many events of other types, an endpoint's position is saved: a restart reads from it."""

log = logging.getLogger("tidings.channels")


class EndpointFeed:
    """Posts the events of an endpoint's types in the order of the log, at least once each.

    What follows an event waits until that one is taken or given up.
    """

    def __init__(
        self,
        runtime: Runtime,
        tenant: str,
        endpoint: RegisteredEndpoint,
        state: EndpointAttempt,
        entries: PartitionLog,
        poster: EventPoster,
        directory: EndpointDirectory,
    ) -> None:
        self.news = asyncio.Event()
        """To be set when an event of the tenant is appended."""
        self._runtime = runtime
        self._jetstream = runtime.jetstream
        self._subjects = runtime.settings.subjects
        self._events = f"{self._subjects.event_prefix(tenant)}.>"
        self._tenant = tenant
        self._endpoint, self._registered = endpoint
        self._directory = directory
        self._state = state
        self._entries = entries
        self._poster = poster
        self._changed = asyncio.Event()
        self._page: deque[RecordedCloudEvent] = deque()
        self._read_up_to = state.position

    def update(self, endpoint: RegisteredEndpoint) -> None:
        """Go on with the endpoint as it is now; one that changed is tried at once."""
        if endpoint == (self._endpoint, self._registered):
            return
        self._endpoint, self._registered = endpoint
        self._changed.set()
        self.news.set()

    async def run(self) -> None:
        """Post until the endpoint is turned off; raises Fenced or Unavailable."""
        while self._state.state != "suppressed":
            self._changed.clear()
            self.news.clear()
            await self._begin_replay()
            event = await self._next_event()
            if event is None:
                await self.news.wait()
            elif await self._is_due(event) and not await self._wait():
                await self._attempt(event)

    async def _begin_replay(self) -> None:
        """Go back if the endpoint's owner asked for it since."""
        replay = self._endpoint.replay
        if replay is None or replay[0] <= self._state.replay:
            return
        request, since = replay
        first = await first_sequence_since(self._jetstream, EVENTS, self._events, since)
        at = await log_time(self._jetstream)
        await self._save(replayed(self._state, request, first, at))
        self._page.clear()
        self._read_up_to = self._state.position

    async def _next_event(self) -> RecordedCloudEvent | None:
        """Return the event after the position that the endpoint gets, None if there is none yet."""
        while True:
            while self._page and not self._is_wanted(self._page[0]):
                self._page.popleft()
            if self._page:
                return self._page[0]
            if not await self._read_page():
                return None

    def _is_wanted(self, event: RecordedCloudEvent) -> bool:
        """Return whether an event is of the endpoint's types, and not of a time before it."""
        is_later = event.sequence > self._registered or self._state.replay > self._registered
        return is_later and event.type in self._endpoint.value.types

    async def _is_due(self, event: RecordedCloudEvent) -> bool:
        """Return whether the endpoint gets an event, by all that was stated before that one."""
        identifier = self._endpoint.id
        current = await self._directory.endpoint_at(self._tenant, identifier, event.sequence)
        if current is None:
            await self._changed.wait()
            return False
        self._endpoint, self._registered = current
        return self._is_wanted(event)

    async def _read_page(self) -> bool:
        page = await read(
            self._jetstream,
            EVENTS,
            self._events,
            after=self._read_up_to,
            limit=PAGE_MESSAGES,
            leader_ends=True,
        )
        for message in page:
            self._read_up_to = message.sequence
            with suppress(msgspec.DecodeError):
                self._page.append(RecordedCloudEvent(message))
        if self._read_up_to - self._state.position > SAVED_AFTER_EVENTS and not any(
            map(self._is_wanted, self._page)
        ):
            await self._save(msgspec.structs.replace(self._state, position=self._read_up_to))
        return bool(page)

    async def _wait(self) -> bool:
        """Wait until an attempt may be made; return whether the endpoint changed meanwhile."""
        until = self._state.until
        seconds = (until - await log_time(self._jetstream)).total_seconds() if until else 0.0
        seconds = max(seconds, self._poster.host_of(self._tenant, self._endpoint).pause_seconds())
        if seconds <= 0:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        if self._changed.is_set():
            self._state = msgspec.structs.replace(self._state, until=None)
            return True
        return False

    async def _attempt(self, event: RecordedCloudEvent) -> None:
        host = self._poster.host_of(self._tenant, self._endpoint)
        async with host.slot():
            if host.pause_seconds():
                return
            at = await log_time(self._jetstream)
            result = await self._poster.post_event(self._tenant, self._endpoint, event, at)
        host.record(result)
        await self._settle(event, result, at)

    async def _settle(self, event: RecordedCloudEvent, result: SendResult, at: datetime) -> None:
        state = after_attempt(
            self._state,
            self._endpoint.id,
            event.sequence,
            event.webhook_id,
            event.type,
            result,
            at,
        )
        if reason := suppression_after(state, result, at):
            await self._turn_off(reason, result)
            state = suppressed(state)
        await self._save(state)
        if state.position >= event.sequence:
            self._page.popleft()

    async def _turn_off(self, reason: SuppressionReason, result: SendResult) -> None:
        """State that nothing more is posted; stated twice, it says the same."""
        log.warning("endpoint %s is turned off: %s (%s)", self._endpoint.id, reason, result.code)
        event = ChannelSuppressed(
            endpoint_id=self._endpoint.id, reason=reason, code=result.code[:CODE_LIMIT_CHARACTERS]
        )
        await self._runtime.appender().append(
            own_event_message(
                event,
                self._tenant,
                OwnEventSubject("endpoint", self._endpoint.id),
                actor=None,
                id=str(uuid4()),
                at=None,
                subjects=self._subjects,
            )
        )

    async def _save(self, state: EndpointAttempt) -> None:
        message = endpoint_message(self._subjects, self._tenant, self._endpoint.id, state)
        await self._entries.append_messages([message])
        self._state = state
