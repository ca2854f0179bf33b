"""The batcher: gathers concurrent requests into few queries."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tidings.runtime.errors import Unavailable

REQUESTS_PER_QUERY = 200
QUERIES_LIMIT = 2
RUSH_INTERVAL_SECONDS = 0.1
RUSH_WAIT_SECONDS = 0.02
"""How long a query waits for more requests if the last one was `RUSH_INTERVAL_SECONDS` ago.

In a rush, such as after a restart, each query costs more than the requests in it.
"""
WAITING_LIMIT_REQUESTS = 20_000

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Runs `run_query` with the requests that came meanwhile.

    At most `REQUESTS_PER_QUERY` requests go into a query, and `QUERIES_LIMIT` queries run at once.
    """

    def __init__(self, run_query: Callable[[list[Q]], Awaitable[list[A]]]) -> None:
        self._run_query = run_query
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._queries: set[asyncio.Task[None]] = set()
        self._last_query_at = 0.0

    async def submit(self, request: Q) -> A:
        """Return the answer to one request; raises what the query raises."""
        if len(self._waiting) >= WAITING_LIMIT_REQUESTS:
            raise Unavailable(f"{WAITING_LIMIT_REQUESTS} readers are waiting already")
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if len(self._queries) < QUERIES_LIMIT:
            self._queries.add(asyncio.create_task(self._run_queries()))
        return await future

    async def _run_queries(self) -> None:
        try:
            while self._waiting:
                await self._wait_for_more()
                batch = [
                    self._waiting.popleft()
                    for _ in range(min(len(self._waiting), REQUESTS_PER_QUERY))
                ]
                if batch:
                    await self._answer_batch(batch)
        finally:
            # At once: a request that comes before a callback of this task ran would start no task.
            self._queries.discard(asyncio.current_task())  # type: ignore[arg-type]

    async def _wait_for_more(self) -> None:
        """Wait for more requests if queries follow each other closely."""
        now = asyncio.get_running_loop().time()
        rush, self._last_query_at = now - self._last_query_at < RUSH_INTERVAL_SECONDS, now
        if rush and len(self._waiting) < REQUESTS_PER_QUERY:
            await asyncio.sleep(RUSH_WAIT_SECONDS)

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
