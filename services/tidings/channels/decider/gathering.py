"""Gathering: one question for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Gathering(Generic[Key, Answer]):
    """Asks about several keys at once; who asks meanwhile is answered by the next question.

    So each answer is of a question that began after it was asked for.
    """

    def __init__(self, ask: Callable[[list[Key]], Awaitable[Answer]], limit: int) -> None:
        """`limit`: about so many keys is asked at once."""
        self._ask = ask
        self._limit = limit
        self._waiting: list[tuple[Key, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, key: Key) -> Answer:
        """Return the answer about a key, and others; raises what the question met."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                asked = self._waiting[: self._limit]
                del self._waiting[: self._limit]
                await self._ask_about(asked)
        finally:
            self._asking = None

    async def _ask_about(self, asked: list[tuple[Key, asyncio.Future[Answer]]]) -> None:
        waiting = [answer for _, answer in asked]
        try:
            found = await self._ask([key for key, _ in asked])
        except BaseException as problem:
            for answer in waiting:
                if not answer.done():
                    answer.set_exception(problem)
            if not isinstance(problem, Exception):
                raise
        else:
            for answer in waiting:
                if not answer.done():
                    answer.set_result(found)
