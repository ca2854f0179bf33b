"""The batcher: gathers concurrent requests into few queries."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from tidings.runtime.errors import Unavailable

REQUESTS_PER_QUERY = 200
QUERIES_LIMIT = 2
RUSH_INTERVAL_SECONDS = 0.25
RUSH_WAIT_SECONDS = 0.02
WAIT_PER_REQUEST_SECONDS = 0.001
"""How long a query waits for more requests, for each one in the last query.

It waits at most `RUSH_WAIT_SECONDS`, and only if the last one was `RUSH_INTERVAL_SECONDS` ago. In a
rush, such as after a restart, each query costs more than the requests in it.
"""
WAITING_LIMIT_REQUESTS = 20_000

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Runs `run_query` with the requests that came meanwhile.

    At most `REQUESTS_PER_QUERY` requests go into a query, and `QUERIES_LIMIT` queries run at once.
    One task gathers the requests of the next query, unless so many queries run already.
    """

    def __init__(self, run_query: Callable[[list[Q]], Awaitable[list[A]]]) -> None:
        self._run_query = run_query
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._queries: set[asyncio.Task[None]] = set()
        self._is_gathering = False
        self._full = asyncio.Event()
        self._last_query_at = 0.0
        self._last_query_requests = 1

    async def submit(self, request: Q) -> A:
        """Return the answer to one request; raises what the query raises."""
        if len(self._waiting) >= WAITING_LIMIT_REQUESTS:
            raise Unavailable(f"{WAITING_LIMIT_REQUESTS} readers are waiting already")
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if len(self._waiting) >= REQUESTS_PER_QUERY:
            self._full.set()
        self._start_query()
        return await future

    def _start_query(self) -> None:
        """Gather the requests that wait, if a query may run and no task gathers them."""
        if self._waiting and not self._is_gathering and len(self._queries) < QUERIES_LIMIT:
            self._is_gathering = True
            self._queries.add(asyncio.create_task(self._run_one_query()))

    async def _run_one_query(self) -> None:
        try:
            batch = await self._gather()
            self._start_query()
            await self._answer_batch(batch)
        finally:
            # At once: a request that comes before a callback of this task ran would start no task.
            self._queries.discard(asyncio.current_task())  # type: ignore[arg-type]
            self._start_query()

    async def _gather(self) -> list[tuple[Q, asyncio.Future[A]]]:
        """Return the requests of the next query, after it has waited for more in a rush."""
        try:
            await self._wait_for_more()
        finally:
            self._is_gathering = False
        count = min(len(self._waiting), REQUESTS_PER_QUERY)
        self._last_query_at = asyncio.get_running_loop().time()
        self._last_query_requests = count
        return [self._waiting.popleft() for _ in range(count)]

    async def _wait_for_more(self) -> None:
        """Wait for more requests if queries follow each other closely."""
        since_last = asyncio.get_running_loop().time() - self._last_query_at
        if since_last >= RUSH_INTERVAL_SECONDS or len(self._waiting) >= REQUESTS_PER_QUERY:
            return
        self._full.clear()
        wait_seconds = self._last_query_requests * WAIT_PER_REQUEST_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(min(RUSH_WAIT_SECONDS, wait_seconds)):
                await self._full.wait()

    async def _answer_batch(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._run_query([request for request, _ in batch])
            answered = [*zip(batch, answers, strict=True)]
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in answered:
            if not future.done():
                future.set_result(answer)
