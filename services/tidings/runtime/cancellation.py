"""Cancellation: raise one that a library has swallowed."""

from __future__ import annotations

import asyncio


def raise_if_cancelled() -> None:
    """Raise the cancellation of this task if a library has swallowed it.

    Before Python 3.12 `asyncio.wait_for` loses a cancellation that arrives together with its result
    (github.com/python/cpython/issues/86296), and psycopg_pool uses it: the task would go on, and
    a caller that waits for its end would wait for ever.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
