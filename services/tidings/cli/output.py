"""Standard output that is a pipe: end a command as soon as its reader has gone."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Coroutine
from typing import Any

CANCEL_INTERVAL_SECONDS = 1.0


async def run_while_read(work: Coroutine[Any, Any, None]) -> None:
    """Run work; raises BrokenPipeError when the reader of our pipe goes, even in a silence."""
    task = asyncio.ensure_future(work)
    gone = asyncio.Event()
    loop, descriptor = asyncio.get_running_loop(), _pipe()
    # A pipe's end for writing becomes readable in the sense of epoll only by that error.
    if descriptor is not None:
        loop.add_reader(descriptor, gone.set)
    waiting = asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if descriptor is not None:
            loop.remove_reader(descriptor)
        waiting.cancel()
        while not task.done():  # a library may catch a cancellation: ask again
            task.cancel()
            await asyncio.wait((task,), timeout=CANCEL_INTERVAL_SECONDS)
    if task.cancelled():
        raise BrokenPipeError
    task.result()


def _pipe() -> int | None:
    try:
        descriptor = sys.stdout.fileno()
        return descriptor if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
    except (OSError, ValueError, AttributeError):
        return None
