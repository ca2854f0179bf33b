"""The hub: the streams of all connected users, and which of them read which topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tidings.contracts.subjects import Person, Topic, topic_inbox_subject
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.delivery.ring import owner_subject
from tidings.edge.delivery.routed_entry import RoutedEntry, topic_of_membership
from tidings.edge.delivery.subscriber import Subscriber
from tidings.edge.delivery.user_stream import UserStream
from tidings.runtime.log.follow import StreamMessage


class Hub:
    """The streams of connected users by subject, and the streams that read each topic now."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._streams: dict[str, UserStream] = {}
        self._readers: dict[str, dict[UserStream, None]] = {}
        self._left = asyncio.Event()
        self.subscriber_count = 0

    def subscribe(self, person: Person, subscriber: Subscriber) -> UserStream:
        """Add a subscriber to a user's stream and return the stream; undo it with `unsubscribe`."""
        stream = self.stream_of(person)
        if stream is None:
            stream = UserStream(self._log, person, self._subscribe_topics)
            self._streams[stream.subject] = stream
        stream.subscribers.append(subscriber)
        self.subscriber_count += 1
        return stream

    def unsubscribe(self, stream: UserStream, subscriber: Subscriber) -> None:
        """Remove a subscriber; with the last one the stream is dropped."""
        stream.subscribers.remove(subscriber)
        self.subscriber_count -= 1
        self._left.set()
        if not stream.subscribers:
            del self._streams[stream.subject]
            self._unsubscribe_topics(stream)
            if stream.is_open:
                self._log.keep_inbox(stream.person, stream.inbox)

    def stream_of(self, person: Person) -> UserStream | None:
        """Return the stream of a user, None if they are not connected."""
        return self._streams.get(self._log.subject_of(person))

    async def wait_until_empty(self) -> None:
        """Wait until no connection is left."""
        while self.subscriber_count:
            self._left.clear()
            await self._left.wait()

    def deliver(self, batch: list[StreamMessage]) -> None:
        """Deliver a batch of the log to the streams it is for."""
        routed: dict[UserStream, list[RoutedEntry]] = {}
        for message in batch:
            if message.subject.startswith("member."):
                self._apply_membership(message)
            elif streams := self._streams_of_subject(message.subject):
                entry = RoutedEntry(self._log.epoch, message)
                for stream in streams:
                    if entry.excluded_user != stream.person.user:
                        routed.setdefault(stream, []).append(entry)
        deliveries = [stream.apply(entries) for stream, entries in routed.items()]
        for delivery in filter(None, deliveries):
            delivery.send()

    def _streams_of_subject(self, subject: str) -> Iterable[UserStream]:
        stream = self._streams.get(subject)
        return (stream,) if stream else self._readers.get(subject, ())

    def _apply_membership(self, message: StreamMessage) -> None:
        self._log.tenants_with_topics.record_membership(message)
        stream = self._streams.get(owner_subject(message.subject))
        topic = topic_of_membership(message)
        if stream and topic and stream.apply_membership(message):
            self._update_topic_reader(stream, topic, message.sequence)

    def _subscribe_topics(self, stream: UserStream) -> None:
        """Deliver the topics of a stream's user to it from now on."""
        if self._streams.get(stream.subject) is stream:
            for topic in stream.topics:
                self._update_topic_reader(stream, topic, self._log.ring.head)

    def _update_topic_reader(self, stream: UserStream, topic: Topic, after: int) -> None:
        readers = self._readers.setdefault(topic_inbox_subject(topic), {})
        if stream.inbox.memberships.covers(topic, after + 1):
            readers[stream] = None
        else:
            readers.pop(stream, None)

    def _unsubscribe_topics(self, stream: UserStream) -> None:
        for topic in stream.topics:
            readers = self._readers.get(topic_inbox_subject(topic), {})
            readers.pop(stream, None)
            if not readers:
                self._readers.pop(topic_inbox_subject(topic), None)

    def end_revoked(self, person: Person) -> None:
        """End the connections of a user whose session has been revoked."""
        for subscriber in self.subscribers_of(person):
            subscriber.end_if_revoked()

    def subscribers_of(self, person: Person) -> list[Subscriber]:
        """Return the connections of a user."""
        stream = self.stream_of(person)
        return [*stream.subscribers] if stream else []

    def streams(self, choose: Callable[[UserStream], bool] = lambda _: True) -> list[UserStream]:
        """Return the streams that `choose` accepts."""
        return [stream for stream in self._streams.values() if choose(stream)]
