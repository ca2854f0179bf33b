"""Repeat what a server could not do yet, for a limited time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from itertools import chain, repeat
from typing import TypeVar

from tidings.client.errors import StreamFull, Transient, Unavailable

PAUSES_SECONDS = (0.05, 0.1, 0.2)
"""Between two attempts; the last one repeats, so that work goes on once a leader is elected."""
APPEND_SECONDS = 10.0
"""A server may answer everything but appends: a disk that was full freezes its streams."""

T = TypeVar("T")


async def retry(attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeat an attempt after Transient errors, until the caller's deadline; raises StreamFull."""
    for pause in chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])):
        try:
            return await attempt()
        except StreamFull:  # there is room when an operator has made some, not in a moment
            raise
        except Transient:
            await asyncio.sleep(pause)
    raise AssertionError  # the pauses have no end


async def within_deadline(work: Coroutine[None, None, T]) -> T:
    """Return the result of work; raises Unavailable after `APPEND_SECONDS`."""
    try:
        async with asyncio.timeout(APPEND_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable(
            f"the log stored nothing within {APPEND_SECONDS:.0f} seconds; it may yet:"
            " try again with the same id"
        ) from None
