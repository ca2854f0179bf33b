"""Gathering: many readers' questions at the same time become one query."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tidings.runtime.errors import Unavailable

QUESTIONS_PER_QUERY = 200
QUERIES_LIMIT = 2
RUSH_SECONDS = 0.1
PAUSE_SECONDS = 0.02
"""Questions that follow each other within RUSH_SECONDS wait so long for more of them: in a rush, a query costs more than its questions."""
WAITING_LIMIT_QUESTIONS = 20_000

Q = TypeVar("Q")
A = TypeVar("A")


class Gather(Generic[Q, A]):
    """Asks `answer` with all the questions that came while it was busy, or in a rush, up to 200 at a time, two times at once."""

    def __init__(self, answer: Callable[[list[Q]], Awaitable[list[A]]]) -> None:
        self._answer = answer
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._queries: set[asyncio.Task[None]] = set()
        self._asked = 0.0

    async def ask(self, question: Q) -> A:
        """The answer to one question; raises what the query raises."""
        if len(self._waiting) >= WAITING_LIMIT_QUESTIONS:
            raise Unavailable(f"{WAITING_LIMIT_QUESTIONS} readers are waiting already")
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._queries) < QUERIES_LIMIT:
            task = asyncio.create_task(self._run())
            self._queries.add(task)
            task.add_done_callback(self._queries.discard)
        return await future

    async def _run(self) -> None:
        while self._waiting:
            await self._gather()
            taken = [
                self._waiting.popleft() for _ in range(min(len(self._waiting), QUESTIONS_PER_QUERY))
            ]
            if taken:
                await self._settle(taken)

    async def _gather(self) -> None:
        """Wait for more questions, in a rush."""
        now = asyncio.get_running_loop().time()
        rush, self._asked = now - self._asked < RUSH_SECONDS, now
        if rush and len(self._waiting) < QUESTIONS_PER_QUERY:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _settle(self, taken: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answer([question for question, _ in taken])
        except Exception as error:
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            if not future.done():
                future.set_result(answer)
