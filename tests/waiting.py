"""Waiting for what another process does: poll a condition, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

LIMIT_SECONDS = 40
POLL_SECONDS = 0.02

T = TypeVar("T")


async def wait_until(
    condition: Callable[[], Awaitable[T | None]], seconds: float = LIMIT_SECONDS
) -> T:
    """Poll a condition until its answer is true, and return that. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):  # noqa: ASYNC110  other processes send no signal
            await asyncio.sleep(POLL_SECONDS)
    return answer
