"""Follow: the messages of a stream after a sequence, in order and without a gap, without end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import NamedTuple

from tidings.client.direct_client import ReceivedMessage, parse_headers
from tidings.client.jetstream import JetStream
from tidings.runtime.errors import TidingsError, Transient
from tidings.runtime.log.pull import (
    OutstandingPulls,
    delivered_bytes,
    pull_bytes,
)
from tidings.runtime.log.state import API_SECONDS, check_incarnation
from tidings.runtime.metrics.follower_lag import FollowPosition

PULL_MESSAGES = 500
IDLE_INTERVAL_SECONDS = 0.5
RECREATE_DELAY_SECONDS = 0.25
SILENCE_LIMIT_SECONDS = 3.0
"""Three missing heartbeats."""
INACTIVE_THRESHOLD_SECONDS = 30
CREATE_ATTEMPTS_SECONDS = (API_SECONDS, 4.0, 10.0)
"""Nothing answers a request that meets no leader, so the first attempts are short; one that a slow
server answers too late leaves a consumer without a reader.
"""

log = logging.getLogger("tidings.follow")


class StreamMessage(NamedTuple):
    """A message of a stream; its time is nanoseconds since 1970."""

    subject: str
    data: bytes
    raw_headers: bytes
    sequence: int
    time_nanoseconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The parsed headers."""
        return parse_headers(self.raw_headers)

    @property
    def following_count(self) -> int:
        """In a page: the number of messages of the subject after this one."""
        return int(self.headers["Nats-Num-Pending"])


class ConsumerLost(Exception):
    """The consumer, the connection or a message was lost; follow again after the last message."""


async def follow(
    jetstream: JetStream,
    stream: str,
    subjects: Sequence[str],
    *,
    after: int,
    epoch: str,
    limit: int = PULL_MESSAGES,
    idle_seconds: float = IDLE_INTERVAL_SECONDS,
    position: FollowPosition | None = None,
) -> AsyncGenerator[list[StreamMessage]]:
    """Yield batches of up to `limit` messages after a sequence; an empty one after `idle_seconds`.

    `position` shows the messages that are not handled; the request for the next batch marks the one
    before as handled. Recovers from lost consumers and connections. Raises LogLost when the stream
    was recreated or ends before `after`.
    """
    position = position or FollowPosition()
    attempts = _create_attempts()
    while True:
        try:
            await check_incarnation(jetstream, stream, epoch, after)
            async with _Consumer(
                jetstream,
                stream,
                subjects,
                after,
                limit,
                idle_seconds,
                position,
                next(attempts),
            ) as consumer:
                attempts = _create_attempts()
                async for batch in consumer.batches():
                    after = batch[-1].sequence if batch else after
                    position.batch = batch
                    yield batch
                    position.batch = ()
        except (ConsumerLost, Transient) as problem:
            log.info("following %s again after %d: %s", stream, after, problem)
            await _wait_before_retry(jetstream)
            yield []


def _create_attempts() -> Iterator[float]:
    """Return the timeouts of successive attempts to create a consumer, without end."""
    return chain(CREATE_ATTEMPTS_SECONDS, repeat(CREATE_ATTEMPTS_SECONDS[-1]))


async def _wait_before_retry(jetstream: JetStream) -> None:
    """Wait a moment, or until the connection changes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(RECREATE_DELAY_SECONDS):
            await jetstream.connection_changed.wait()


class _Consumer:
    """One ephemeral pull consumer, with two pulls that overlap."""

    def __init__(
        self,
        jetstream: JetStream,
        stream: str,
        subjects: Sequence[str],
        after: int,
        limit: int,
        idle_seconds: float,
        position: FollowPosition,
        create_seconds: float,
    ) -> None:
        self._jetstream = jetstream
        self._stream = stream
        self._subjects = subjects
        self._after = after
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._is_idle = False
        self._received: deque[StreamMessage] = deque()
        self._position = position
        self._create_seconds = create_seconds
        self._wake = asyncio.Event()
        self._outstanding = OutstandingPulls()
        self._received_bytes = 0
        self._delivered_count = 0
        self._problem: str | None = None
        self._silent_seconds = 0.0
        self._name = ""

    async def __aenter__(self) -> _Consumer:
        self._context = self._jetstream.open_inbox(self._on_delivery)
        self._inbox = await self._context.__aenter__()
        self._jetstream.follower_count += 1
        try:
            await self._create_consumer()
        except BaseException:
            await self._close_inbox()
            raise
        self._idle_timer = asyncio.get_running_loop().call_later(
            self._idle_seconds, self._wake_if_idle
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._idle_timer.cancel()
        await self._close_inbox()
        with suppress(TidingsError):
            if self._name and self._jetstream.connected:
                # The answer is not awaited: without a leader there is none, and an inactive
                # consumer is deleted anyway.
                await self._jetstream.publish(
                    f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._name}",
                    b"",
                    f"{self._inbox}.deleted",
                )

    async def _close_inbox(self) -> None:
        self._jetstream.follower_count -= 1
        await self._context.__aexit__(None, None, None)

    async def batches(self) -> AsyncIterator[list[StreamMessage]]:
        """Yield what has arrived, empty batches when idle; raises ConsumerLost."""
        changed = self._jetstream.connection_changed
        while True:
            await self._request_messages()
            if not self._received:
                self._wake.clear()
                await self._wake.wait()
            if changed.is_set():
                raise ConsumerLost("the connection changed")
            self._check_alive()
            yield self._take_batch()

    async def _create_consumer(self) -> None:
        configuration = {
            "filter_subjects": list(self._subjects),
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._after + 1,
            "ack_policy": "none",
            "inactive_threshold": INACTIVE_THRESHOLD_SECONDS * 1_000_000_000,
            "mem_storage": True,
            "num_replicas": 1,
        }
        answer = await self._jetstream.call_api(
            f"CONSUMER.CREATE.{self._stream}",
            {"stream_name": self._stream, "config": configuration},
            timeout=self._create_seconds,
        )
        self._name = answer["name"]
        self._position.clear()
        self._position.received = self._received
        self._position.pending = answer["num_pending"]

    async def _request_messages(self) -> None:
        outstanding = self._outstanding
        limit_bytes = pull_bytes(self._jetstream.follower_count)
        while (
            outstanding.messages + len(self._received) <= self._limit
            and outstanding.bytes + self._received_bytes <= limit_bytes
        ):
            pull = outstanding.next_pull(self._limit, limit_bytes)
            await self._jetstream.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}",
                pull.request,
                f"{self._inbox}.{pull.token}",
            )

    def _wake_if_idle(self) -> None:
        """Wake the reader if nothing came since the last tick.

        One timer serves all waits, so that a busy stream does not set a timer for each. The ticks
        measure the silence too: while this process is stalled, it hears nothing and has no tick.
        """
        self._silent_seconds += self._idle_seconds
        if self._is_idle:
            self._wake.set()
        self._is_idle = True
        self._idle_timer = asyncio.get_running_loop().call_later(
            self._idle_seconds, self._wake_if_idle
        )

    def _take_batch(self) -> list[StreamMessage]:
        received, limit = self._received, self._limit
        batch = [received.popleft() for _ in range(min(len(received), limit))]
        self._received_bytes = sum([len(message.data) for message in received]) if received else 0
        return batch

    def _check_alive(self) -> None:
        if self._received:
            return
        if self._problem:
            raise ConsumerLost(self._problem)
        if self._silent_seconds > SILENCE_LIMIT_SECONDS:
            raise ConsumerLost("no heartbeat")

    def _on_delivery(self, delivery: ReceivedMessage) -> None:
        self._silent_seconds = 0.0
        if delivery.status:
            self._on_control(delivery)
        elif not self._problem:
            self._on_message(delivery)
        self._wake.set()

    def _on_message(self, delivery: ReceivedMessage) -> None:
        # $JS.ACK.….<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>; both versions of
        # the subject (with and without domain) are equal when read from the right.
        _, sequence, delivered, nanoseconds, pending = delivery.reply.rsplit(".", 4)
        if int(delivered) != self._delivered_count + 1:
            self._problem = f"a gap after delivery {self._delivered_count}"
            return
        self._is_idle = False
        self._delivered_count += 1
        self._outstanding.record_delivery(delivered_bytes(delivery))
        self._received_bytes += len(delivery.data)
        self._position.pending = pending
        self._position.newest_nanoseconds = int(nanoseconds)
        self._received.append(
            StreamMessage(
                delivery.subject,
                delivery.data,
                delivery.raw_headers,
                int(sequence),
                int(nanoseconds),
            )
        )

    def _on_control(self, delivery: ReceivedMessage) -> None:
        if delivery.status == 100:
            return
        headers = delivery.headers
        if delivery.status in (404, 408) or "Nats-Pending-Messages" in headers:
            token = delivery.subject.rpartition(".")[2]
            self._outstanding.record_end(token, headers, is_refusal=delivery.status == 409)
        else:
            self._problem = f"{delivery.status} {delivery.description}"
