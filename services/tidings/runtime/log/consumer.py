"""A consumer of a stream, which delivers the messages after a sequence until it is lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from tidings.client.direct_client import ReceivedMessage, parse_headers
from tidings.client.jetstream import JetStream
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.pull import OutstandingPulls, Pulls, delivered_bytes, pull_bytes
from tidings.runtime.metrics.follower_lag import FollowPosition

SILENCE_LIMIT_SECONDS = 3.0
"""Three missing heartbeats."""
INACTIVE_THRESHOLD_SECONDS = 30


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


class Consumer:
    """One ephemeral pull consumer, with one filter or none.

    With several filters the server searches the subjects of a block for each message as soon as the
    reader lags. So what several subjects ask for is chosen here.
    """

    def __init__(
        self,
        jetstream: JetStream,
        stream: str,
        subjects: Sequence[str],
        after: int,
        limit: int,
        idle_seconds: float,
        position: FollowPosition,
        pulls: Pulls,
        create_seconds: float,
        wake: asyncio.Event | None = None,
    ) -> None:
        self._jetstream = jetstream
        self._stream = stream
        self._filters, self._prefixes = split_subjects(subjects)
        self._after = after
        self._received_sequence = after
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._is_idle = False
        self._received: deque[StreamMessage] = deque()
        self._position = position
        self._create_seconds = create_seconds
        self._wake = wake or asyncio.Event()
        self._outstanding = OutstandingPulls(pulls)
        self._gathers = pulls is Pulls.GATHERING
        self._received_bytes = 0
        self._delivered_count = 0
        self._problem: str | None = None
        self._silent_seconds = 0.0
        self._name = ""

    async def __aenter__(self) -> Consumer:
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
            # Before the requests, which may wait: who sets it meanwhile wakes the reader.
            self._wake.clear()
            await self._request_messages()
            if not self._has_batch():
                await self._wake.wait()
            if changed.is_set():
                raise ConsumerLost("the connection changed")
            self._check_alive()
            batch = self._take_batch()
            if self._gathers and int(self._position.pending) >= self._limit:
                # A whole pull waits: the server sends it while the reader handles this batch.
                await self._request_messages()
            yield batch

    @property
    def reached(self) -> int:
        """Return the sequence up to which every message has been yielded or is not asked for."""
        return self._received[0].sequence - 1 if self._received else self._received_sequence

    async def _create_consumer(self) -> None:
        configuration = {
            "filter_subjects": self._filters,
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
        while outstanding.has_room(
            len(self._received), self._received_bytes, self._limit, limit_bytes
        ):
            if not outstanding.messages:
                # Without a pull there were no heartbeats.
                self._silent_seconds = 0.0
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

    def _has_batch(self) -> bool:
        """Return whether the reader need not wait; a gathering one waits for the end of a pull."""
        return bool(self._received) and not (self._gathers and self._outstanding.messages > 0)

    def _needs_reader(self) -> bool:
        """Return whether the reader has something to do: a batch, the next pull or a problem."""
        return bool(
            self._has_batch()
            or self._problem
            or self._outstanding.messages <= (0 if self._gathers else self._limit)
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
        if self._needs_reader():
            self._wake.set()

    def _on_message(self, delivery: ReceivedMessage) -> None:
        # $JS.ACK.….<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>; both versions of
        # the subject (with and without domain) are equal when read from the right.
        _, sequence, delivered, nanoseconds, pending = delivery.reply.rsplit(".", 4)
        if int(delivered) != self._delivered_count + 1:
            self._problem = f"a gap after delivery {self._delivered_count}"
            return
        self._delivered_count += 1
        self._outstanding.record_delivery(delivered_bytes(delivery))
        self._received_sequence = int(sequence)
        self._position.pending = pending
        self._position.newest_nanoseconds = int(nanoseconds)
        if not delivery.subject.startswith(self._prefixes):
            return
        self._is_idle = False
        self._received_bytes += len(delivery.data)
        self._received.append(
            StreamMessage(
                delivery.subject,
                delivery.data,
                delivery.raw_headers,
                self._received_sequence,
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


def split_subjects(subjects: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the filter of a consumer, and the prefixes of the subjects that its reader keeps.

    Several subjects must each end in `>` and have no `*`.
    """
    if len(subjects) == 1:
        return [*subjects], ("",)
    if not all(subject.endswith(".>") and "*" not in subject for subject in subjects):
        raise ValueError(f"a reader cannot choose by these subjects: {', '.join(subjects)}")
    return [], tuple(subject.removesuffix(">") for subject in subjects)
