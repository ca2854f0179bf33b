"""Follow: the messages of a stream after a sequence, in order and without a gap, without end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat

from tidings.client.jetstream import JetStream
from tidings.runtime.errors import Transient
from tidings.runtime.log.consumer import Consumer, ConsumerLost, StreamMessage
from tidings.runtime.log.pull import Pulls
from tidings.runtime.log.state import API_SECONDS, check_incarnation
from tidings.runtime.metrics.follower_lag import FollowPosition

__all__ = ["Pulls", "StreamMessage", "follow"]

PULL_MESSAGES = 500
IDLE_INTERVAL_SECONDS = 0.5
RECREATE_DELAY_SECONDS = 0.25
CREATE_ATTEMPTS_SECONDS = (API_SECONDS, 4.0, 10.0)
"""Nothing answers a request that meets no leader, so the first attempts are short; one that a slow
server answers too late leaves a consumer without a reader.
"""

log = logging.getLogger("tidings.follow")


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
    pulls: Pulls = Pulls.OVERLAPPING,
    wake: asyncio.Event | None = None,
) -> AsyncGenerator[list[StreamMessage]]:
    """Yield batches of up to `limit` messages after a sequence; an empty one after `idle_seconds`.

    `position` shows the messages that are not handled; the request for the next batch marks the one
    before as handled. Several subjects must each end in `>` and have no `*`. Setting `wake` makes a
    follow that waits yield at once, an empty batch if nothing came.

    Recovers from lost consumers and connections. Raises LogLost when the stream was recreated or
    ends before `after`.
    """
    position = position or FollowPosition()
    # An earlier follow with this position may have been given more than was handled.
    position.reached = after
    attempts = _create_attempts()
    while True:
        try:
            await check_incarnation(jetstream, stream, epoch, after)
            async with Consumer(
                jetstream,
                stream,
                subjects,
                after,
                limit,
                idle_seconds,
                position,
                pulls,
                next(attempts),
                wake,
            ) as consumer:
                attempts = _create_attempts()
                async for batch in consumer.batches():
                    after = position.reached = consumer.reached
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
