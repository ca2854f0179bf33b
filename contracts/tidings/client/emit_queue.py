"""The queue of events that are sent to the log in order and retried until stored or abandoned."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from contextlib import AsyncExitStack, suppress
from itertools import accumulate, islice
from typing import NamedTuple

from tidings.client.errors import ClientClosed, EventRefused, TidingsError, TooLarge, Unavailable
from tidings.client.transport import RejectedEvent, Transport
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES

PAUSE_SECONDS = 0.1
PAUSE_LIMIT_SECONDS = 5.0
SERVER_PAUSE_LIMIT_SECONDS = 60.0
BATCH_BYTES = BATCH_LIMIT_BYTES - 16 * 1024
"""The gateway limits the body of a request, which also has brackets and commas."""

log = logging.getLogger("tidings.client")


class PendingEvent(NamedTuple):
    """An event, and the future of its result."""

    id: str
    body: bytes
    result: asyncio.Future[AppendResult]


class EmitQueue:
    """Sends one batch at a time, which preserves the order; events that come meanwhile are the
    next.
    """

    def __init__(self, transport: Transport, patience_seconds: float) -> None:
        self._transport = transport
        self._patience_seconds = patience_seconds
        self._pending: deque[PendingEvent] = deque()
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._stack = AsyncExitStack()
        self._sender: asyncio.Task[None] | None = None
        self.last_problem = ""

    async def open(self) -> None:
        """Open the transport and start sending; raises Unavailable, Unauthorised or Permanent."""
        await self._stack.enter_async_context(self._transport)
        self._idle.set()
        self._sender = asyncio.create_task(self._send_batches())

    async def close(self, *, at_once: bool) -> None:
        """Send the pending events, unless `at_once`; the rest fails with ClientClosed."""
        sender, self._sender = self._sender, None
        assert sender
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), 0 if at_once else self._patience_seconds)
        sender.cancel()
        await asyncio.wait((sender,))
        await self._stack.aclose()
        self._fail_all(ClientClosed("the client was closed before the event was stored"))

    async def store(self, identifier: str, body: bytes) -> AppendResult:
        """Send an event and return its result when it is stored; raises ClientClosed, or why it is
        refused.
        """
        if self._sender is None:
            raise ClientClosed("emit events inside `async with Tidings(…)`")
        pending = PendingEvent(identifier, body, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._idle.clear()
        self._filled.set()
        return await pending.result

    async def _send_batches(self) -> None:
        failures = 0
        while True:
            await self._filled.wait()
            while batch := self._next_batch():
                failures = await self._send_batch(batch, failures)
            self._filled.clear()
            self._idle.set()

    async def _send_batch(self, batch: list[PendingEvent], failures: int) -> int:
        """Send a batch once; return how many attempts in a row have failed because no server
        answered.
        """
        try:
            results = await self._transport.send([event.body for event in batch])
        except RejectedEvent as rejected:
            self._reject(rejected)
        except Unavailable as problem:
            await self._pause(problem, failures)
            return failures + 1
        except TidingsError as error:
            self._fail_all(error)
        else:
            self._resolve(results)
        return 0

    def _next_batch(self) -> list[PendingEvent]:
        """Return the next batch; its events stay in the queue until they have a result."""
        # An abandoned `emit` has cancelled its future; its event need not be sent any more.
        self._pending = deque(event for event in self._pending if not event.result.done())
        sizes = accumulate(len(event.body) + 1 for event in self._pending)
        return [
            event
            for event, size in zip(islice(self._pending, BATCH_LIMIT_MESSAGES), sizes, strict=False)
            if size <= BATCH_BYTES
        ]

    def _resolve(self, results: list[AppendResult]) -> None:
        # The batch is still the head of the queue: only its own result removes events from there.
        for result in results:
            future = self._pending.popleft().result
            if not future.done():
                future.set_result(result)

    def _reject(self, rejected: RejectedEvent) -> None:
        """Fail the one event that was refused; the others are sent again without it."""
        pending = self._pending[rejected.index]
        del self._pending[rejected.index]
        kind = TooLarge if rejected.too_large else EventRefused
        _fail(pending, kind(pending.id, rejected.field, rejected.reason))

    def _fail_all(self, error: TidingsError) -> None:
        while self._pending:
            # Each waiter gets its own exception: a traceback grows where an exception is raised.
            _fail(self._pending.popleft(), type(error)(str(error)))

    async def _pause(self, problem: Unavailable, failures: int) -> None:
        """Wait for the requested pause, and then for a random time below a limit that doubles.

        Full jitter spreads the clients that lost the same server over time.
        """
        self.last_problem = str(problem)
        pause = min(problem.pause_seconds, SERVER_PAUSE_LIMIT_SECONDS)
        jitter = random.uniform(0, min(PAUSE_SECONDS * 2**failures, PAUSE_LIMIT_SECONDS))
        log.info("%s; trying again in %.1f s", problem, pause + jitter)
        await asyncio.sleep(pause + jitter)


def _fail(pending: PendingEvent, error: TidingsError) -> None:
    if not pending.result.done():
        pending.result.set_exception(error)
