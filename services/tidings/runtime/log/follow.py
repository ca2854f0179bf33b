"""Follow: the messages of a stream after a sequence, in order and without a gap, without end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from tidings.client.direct_client import ReceivedMessage, parse_headers
from tidings.client.errors import StreamNotFound
from tidings.client.jetstream import JetStream
from tidings.contracts.cursor import epoch_of
from tidings.runtime.errors import LogLost, TidingsError, Transient

PULL_MESSAGES = 500
PULL_TIMEOUT_SECONDS = 30
HEARTBEAT_INTERVAL_SECONDS = 5
IDLE_INTERVAL_SECONDS = 0.5
RECREATE_DELAY_SECONDS = 0.25
INACTIVE_THRESHOLD_SECONDS = 30

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


class StreamState(NamedTuple):
    """The epoch of a stream, and its last sequence."""

    epoch: str
    last_sequence: int


async def stream_state(jetstream: JetStream, stream: str) -> StreamState:
    """Return the epoch and head of a stream; raises Unavailable, or LogLost if it is gone."""
    try:
        info = await jetstream.call_api(f"STREAM.INFO.{stream}")
    except StreamNotFound:
        raise LogLost(f"the stream {stream} does not exist any more") from None
    return StreamState(epoch_of(info["created"]), info["state"]["last_seq"])


async def follow(
    jetstream: JetStream,
    stream: str,
    subjects: Sequence[str],
    *,
    after: int,
    epoch: str,
    limit: int = PULL_MESSAGES,
    idle_seconds: float = IDLE_INTERVAL_SECONDS,
) -> AsyncGenerator[list[StreamMessage]]:
    """Yield batches of up to `limit` messages after a sequence; an empty one after `idle_seconds`.

    Recovers from lost consumers and connections. Raises LogLost when the stream was recreated or
    ends before `after`.
    """
    while True:
        try:
            await _check_incarnation(jetstream, stream, epoch, after)
            async with _Consumer(
                jetstream, stream, subjects, after, limit, idle_seconds
            ) as consumer:
                async for batch in consumer.batches():
                    after = batch[-1].sequence if batch else after
                    yield batch
        except (ConsumerLost, Transient) as problem:
            log.info("following %s again after %d: %s", stream, after, problem)
            await _wait_before_retry(jetstream)
            yield []


async def _check_incarnation(jetstream: JetStream, stream: str, epoch: str, after: int) -> None:
    current = await stream_state(jetstream, stream)
    if current.epoch != epoch:
        raise LogLost(
            f"{stream} is another stream (epoch {current.epoch}) than the one followed so far"
            f" (epoch {epoch})"
        )
    if current.last_sequence < after:
        raise LogLost(
            f"{stream} ends at {current.last_sequence}, but {after} was read before:"
            " it lost its tail"
        )


async def _wait_before_retry(jetstream: JetStream) -> None:
    """Wait a moment, or until the connection changes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(RECREATE_DELAY_SECONDS):
            await jetstream.connection_changed.wait()


class _Consumer:
    """One ephemeral pull consumer.

    Two pulls overlap: with one, delivery would pause between its end and the next.
    """

    def __init__(
        self,
        jetstream: JetStream,
        stream: str,
        subjects: Sequence[str],
        after: int,
        limit: int,
        idle_seconds: float,
    ) -> None:
        self._jetstream = jetstream
        self._stream = stream
        self._subjects = subjects
        self._after = after
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._is_idle = False
        self._received: deque[StreamMessage] = deque()
        self._wake = asyncio.Event()
        self._requested_count = 0
        self._delivered_count = 0
        self._problem: str | None = None
        self._last_delivery_at = 0.0
        self._name = ""

    async def __aenter__(self) -> _Consumer:
        self._context = self._jetstream.open_inbox(self._on_delivery)
        self._inbox = await self._context.__aenter__()
        try:
            await self._create_consumer()
        except BaseException:
            await self._context.__aexit__(None, None, None)
            raise
        self._idle_timer = asyncio.get_running_loop().call_later(
            self._idle_seconds, self._wake_if_idle
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._idle_timer.cancel()
        await self._context.__aexit__(None, None, None)
        with suppress(TidingsError):
            if self._name and self._jetstream.connected:
                await self._jetstream.call_api(f"CONSUMER.DELETE.{self._stream}.{self._name}")

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
        )
        self._name = answer["name"]
        self._last_delivery_at = asyncio.get_running_loop().time()

    async def _request_messages(self) -> None:
        while self._requested_count + len(self._received) <= self._limit:
            self._requested_count += self._limit
            request = {
                "batch": self._limit,
                "expires": PULL_TIMEOUT_SECONDS * 1_000_000_000,
                "idle_heartbeat": HEARTBEAT_INTERVAL_SECONDS * 1_000_000_000,
            }
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
            await self._jetstream.publish(
                subject, msgspec.json.encode(request), f"{self._inbox}.pull"
            )

    def _wake_if_idle(self) -> None:
        """Wake the reader if nothing came since the last tick.

        One timer serves all waits, so that a busy stream does not set a timer for each.
        """
        if self._is_idle:
            self._wake.set()
        self._is_idle = True
        self._idle_timer = asyncio.get_running_loop().call_later(
            self._idle_seconds, self._wake_if_idle
        )

    def _take_batch(self) -> list[StreamMessage]:
        received = self._received
        return [received.popleft() for _ in range(min(len(received), self._limit))]

    def _check_alive(self) -> None:
        if self._received:
            return
        if self._problem:
            raise ConsumerLost(self._problem)
        if (
            asyncio.get_running_loop().time() - self._last_delivery_at
            > 2 * HEARTBEAT_INTERVAL_SECONDS + 1
        ):
            raise ConsumerLost("no heartbeat")

    def _on_delivery(self, delivery: ReceivedMessage) -> None:
        self._last_delivery_at = asyncio.get_running_loop().time()
        if delivery.status:
            self._on_control(delivery)
        elif not self._problem:
            self._on_message(delivery)
        self._wake.set()

    def _on_message(self, delivery: ReceivedMessage) -> None:
        # $JS.ACK.….<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>; both versions of
        # the subject (with and without domain) are equal when read from the right.
        _, sequence, delivered, nanoseconds, _ = delivery.reply.rsplit(".", 4)
        if int(delivered) != self._delivered_count + 1:
            self._problem = f"a gap after delivery {self._delivered_count}"
            return
        self._is_idle = False
        self._delivered_count += 1
        self._requested_count -= 1
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
            self._requested_count -= int(headers.get("Nats-Pending-Messages", self._limit))
        else:
            self._problem = f"{delivery.status} {delivery.description}"
