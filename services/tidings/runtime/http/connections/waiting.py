"""What a connection waits with: as asyncio's classes, whose deques take 700 bytes each."""

from __future__ import annotations

import asyncio
from typing import Any


class ListEvent(asyncio.Event):
    """An event whose waiters are in a list."""

    def __init__(self, *, is_set: bool = False) -> None:
        super().__init__()
        self._waiters: Any = []
        if is_set:
            self.set()


class WaitingList(list[Any]):
    """A list with the method of a deque that uvicorn calls for the requests that wait."""

    def appendleft(self, item: Any) -> None:
        """Put an item in front of all others."""
        self.insert(0, item)


class MessageQueue:
    """The messages of one connection for the one task that takes them."""

    __slots__ = ("_messages", "_taker")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._taker: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._taker and not self._taker.done():
            self._taker.set_result(None)

    async def get(self) -> Any:
        """Take the oldest message; wait until there is one."""
        while not self._messages:
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Return whether no message waits."""
        return not self._messages
