"""Signals: momentary messages to the connected members of a relation; never stored."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import datetime

import msgspec
from tidings.client.direct_client import ReceivedMessage
from tidings.client.jetstream import JetStream
from tidings.contracts.codec import encode
from tidings.contracts.frames import RelayedSignal, Signal
from tidings.contracts.gossip import SignalMessage
from tidings.contracts.subjects import SIGNALS, Person, Subjects, Topic, signal_tenant
from tidings.edge.delivery.frames import encode_frame
from tidings.edge.presence.local import LocalPresence
from tidings.edge.presence.members import Members, RelationTooLarge
from tidings.runtime.errors import Unavailable

QUEUE_LIMIT_SIGNALS = 5000
BATCH_LIMIT_SIGNALS = 200

log = logging.getLogger("tidings.signals")
_signal_decoder: msgspec.json.Decoder[SignalMessage] = msgspec.json.Decoder(SignalMessage)


class Signals:
    """Publishes signals, and delivers those of all edges to the connections of this one.

    `dropped` counts signals that arrived faster than they could be delivered.
    """

    def __init__(
        self, jetstream: JetStream, local: LocalPresence, members: Members, subjects: Subjects
    ) -> None:
        self._jetstream = jetstream
        self._local = local
        self._members = members
        self._subjects = subjects
        self._queue: deque[tuple[Topic, SignalMessage]] = deque()
        self._wake = asyncio.Event()
        self.dropped = 0

    async def send_signal(
        self, person: Person, connection: str | None, frame: Signal, now: datetime
    ) -> None:
        """Publish a signal for all members but the connection that it came from.

        Raises NotAMember, RelationTooLarge or Unavailable.
        """
        await self._members.require_member(person.user, Topic(person.tenant, frame.to))
        message = SignalMessage(
            user=person.user,
            connection=connection,
            to=frame.to,
            name=frame.name,
            data=frame.data,
            at=now,
        )
        await self._jetstream.publish(self._subjects.signal_subject(person.tenant), encode(message))

    async def deliver_signals(self) -> None:
        """Deliver received signals until cancelled."""
        async with self._jetstream.subscribe(SIGNALS, self._receive):
            while True:
                await self._wake.wait()
                batch = [
                    self._queue.popleft() for _ in range(min(len(self._queue), BATCH_LIMIT_SIGNALS))
                ]
                if not self._queue:
                    self._wake.clear()
                await self._deliver_batch(batch)

    def _receive(self, delivery: ReceivedMessage) -> None:
        tenant = signal_tenant(delivery.subject)
        if not self._local.connections_of(tenant):
            return
        if len(self._queue) >= QUEUE_LIMIT_SIGNALS:
            self.dropped += 1
            return
        try:
            message = _signal_decoder.decode(delivery.data)
        except (msgspec.DecodeError, ValueError):
            log.warning("ignored a malformed signal; does another version run?")
            return
        self._queue.append((Topic(tenant, message.to), message))
        self._wake.set()

    async def _deliver_batch(self, batch: list[tuple[Topic, SignalMessage]]) -> None:
        topics = {topic for topic, _ in batch}
        recipients = dict(
            zip(
                topics,
                await asyncio.gather(*[self._recipients(topic) for topic in topics]),
                strict=True,
            )
        )
        for topic, message in batch:
            self._deliver_locally(topic, recipients[topic], message)

    async def _recipients(self, topic: Topic) -> frozenset[str]:
        """Return the members of a relation, none if they cannot be read now."""
        with suppress(Unavailable, RelationTooLarge):
            return await self._members.users_of(topic)
        return frozenset()

    def _deliver_locally(self, topic: Topic, users: frozenset[str], message: SignalMessage) -> None:
        connections = self._local.connections_of(topic.tenant)
        frame = encode_frame(
            RelayedSignal(
                sender=message.user,
                to=message.to,
                name=message.name,
                data=message.data,
                at=message.at,
            )
        )
        for user in users & connections.keys():
            for connection in connections[user]:
                if connection.id != message.connection:
                    connection.send_droppable(frame)
