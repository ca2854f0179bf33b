"""Follow: the messages of a stream after a sequence, in order and without a gap, for as long as one cares to listen."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from tidings.contracts.cursor import epoch as epoch_of
from tidings.runtime.errors import LogLost, Refused, TidingsError, Transient
from tidings.runtime.jetstream import Delivery, JetStream, headers

PULL_MESSAGES = 500
PULL_SECONDS = 30
HEARTBEAT_SECONDS = 5
IDLE_SECONDS = 0.5
RECREATE_SECONDS = 0.25
INACTIVE_SECONDS = 30
NO_STREAM = "(10059)"

log = logging.getLogger("tidings.follow")


class Message(NamedTuple):
    """A message as the stream has it; its time is nanoseconds since 1970."""

    subject: str
    data: bytes
    head: bytes
    sequence: int
    time_nanoseconds: int

    @property
    def headers(self) -> dict[str, str]:
        """Its headers."""
        return headers(self.head)

    @property
    def following(self) -> int:
        """In a page: how many messages of the subject come after this one."""
        return int(self.headers["Nats-Num-Pending"])


class Lost(Exception):
    """The consumer or the connection to it is gone, or a message was: begin anew after the last one."""


class StreamState(NamedTuple):
    """The incarnation of a stream, and its last sequence."""

    epoch: str
    last: int


async def state(jetstream: JetStream, stream: str) -> StreamState:
    """The incarnation and head of a stream; raises Unavailable, or LogLost if there is no such stream."""
    try:
        info = await jetstream.call(f"STREAM.INFO.{stream}")
    except Refused as refusal:
        if NO_STREAM in str(refusal):
            raise LogLost(f"there is no stream {stream} any more") from None
        raise
    return StreamState(epoch_of(info["created"]), info["state"]["last_seq"])


async def follow(
    jetstream: JetStream,
    stream: str,
    subjects: Sequence[str],
    *,
    after: int,
    epoch: str,
    limit: int = PULL_MESSAGES,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncGenerator[list[Message]]:
    """Yield batches of up to `limit` messages after a sequence; an empty one whenever nothing came for `idle_seconds`.

    Begins anew by itself after any loss. Raises LogLost when the stream is another one or shorter than `after`.
    """
    while True:
        try:
            await _check(jetstream, stream, epoch, after)
            async with _Consumer(
                jetstream, stream, subjects, after, limit, idle_seconds
            ) as consumer:
                async for batch in consumer.batches():
                    after = batch[-1].sequence if batch else after
                    yield batch
        except (Lost, Transient) as problem:
            log.info("following %s anew after %d: %s", stream, after, problem)
            await _pause(jetstream)
            yield []


async def _check(jetstream: JetStream, stream: str, epoch: str, after: int) -> None:
    found = await state(jetstream, stream)
    if found.epoch != epoch:
        raise LogLost(
            f"{stream} is another stream (epoch {found.epoch}) than the one followed so far (epoch {epoch})"
        )
    if found.last < after:
        raise LogLost(
            f"{stream} ends at {found.last}, but {after} was read before: it lost its tail"
        )


async def _pause(jetstream: JetStream) -> None:
    """Wait a moment, or until the connection changes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(RECREATE_SECONDS):
            await jetstream.changed.wait()


class _Consumer:
    """One ephemeral pull consumer with two overlapping pulls, so that the server always has somewhere to send."""

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
        self._idle = False
        self._received: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._wanted = 0
        self._delivered = 0
        self._problem: str | None = None
        self._heard = 0.0
        self._name = ""

    async def __aenter__(self) -> _Consumer:
        self._context = self._jetstream.inbox(self._receive)
        self._inbox = await self._context.__aenter__()
        try:
            await self._create()
        except BaseException:
            await self._context.__aexit__(None, None, None)
            raise
        self._ticking = asyncio.get_running_loop().call_later(self._idle_seconds, self._tick)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ticking.cancel()
        await self._context.__aexit__(None, None, None)
        with suppress(TidingsError):
            if self._name and self._jetstream.connected:
                await self._jetstream.call(f"CONSUMER.DELETE.{self._stream}.{self._name}")

    async def batches(self) -> AsyncIterator[list[Message]]:
        """What arrived, as it arrives; raises Lost."""
        changed = self._jetstream.changed
        while True:
            await self._pull()
            if not self._received:
                self._wake.clear()
                await self._wake.wait()
            if changed.is_set():
                raise Lost("the connection changed")
            self._check_alive()
            yield self._take()

    async def _create(self) -> None:
        configuration = {
            "filter_subjects": list(self._subjects),
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._after + 1,
            "ack_policy": "none",
            "inactive_threshold": INACTIVE_SECONDS * 1_000_000_000,
            "mem_storage": True,
            "num_replicas": 1,
        }
        answer = await self._jetstream.call(
            f"CONSUMER.CREATE.{self._stream}",
            {"stream_name": self._stream, "config": configuration},
        )
        self._name = answer["name"]
        self._heard = asyncio.get_running_loop().time()

    async def _pull(self) -> None:
        while self._wanted + len(self._received) <= self._limit:
            self._wanted += self._limit
            request = {
                "batch": self._limit,
                "expires": PULL_SECONDS * 1_000_000_000,
                "idle_heartbeat": HEARTBEAT_SECONDS * 1_000_000_000,
            }
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
            await self._jetstream.publish(
                subject, msgspec.json.encode(request), f"{self._inbox}.pull"
            )

    def _tick(self) -> None:
        """Wake the reader if nothing came since the last tick; one timer for all waits, instead of one for each."""
        if self._idle:
            self._wake.set()
        self._idle = True
        self._ticking = asyncio.get_running_loop().call_later(self._idle_seconds, self._tick)

    def _take(self) -> list[Message]:
        received = self._received
        return [received.popleft() for _ in range(min(len(received), self._limit))]

    def _check_alive(self) -> None:
        if self._received:
            return
        if self._problem:
            raise Lost(self._problem)
        if asyncio.get_running_loop().time() - self._heard > 2 * HEARTBEAT_SECONDS + 1:
            raise Lost("no heartbeat")

    def _receive(self, delivery: Delivery) -> None:
        self._heard = asyncio.get_running_loop().time()
        if delivery.status:
            self._control(delivery)
        elif not self._problem:
            self._data(delivery)
        self._wake.set()

    def _data(self, delivery: Delivery) -> None:
        # $JS.ACK.….<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>, the same from the right in both versions
        _, sequence, delivered, nanoseconds, _ = delivery.reply.rsplit(".", 4)
        if int(delivered) != self._delivered + 1:
            self._problem = f"a gap after delivery {self._delivered}"
            return
        self._idle = False
        self._delivered += 1
        self._wanted -= 1
        self._received.append(
            Message(delivery.subject, delivery.data, delivery.head, int(sequence), int(nanoseconds))
        )

    def _control(self, delivery: Delivery) -> None:
        if delivery.status == 100:
            return
        told = delivery.headers
        if delivery.status in (404, 408) or "Nats-Pending-Messages" in told:
            self._wanted -= int(told.get("Nats-Pending-Messages", self._limit))
        else:
            self._problem = f"{delivery.status} {delivery.description}"
