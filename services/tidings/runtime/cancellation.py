"""Cancellation: one that comes together with what is waited for must not get lost on the way."""

from __future__ import annotations

import asyncio


def heed() -> None:
    """Raise the cancellation of this task if something swallowed it.

    `asyncio.wait_for` does before Python 3.12 (github.com/python/cpython/issues/86296), and psycopg_pool uses it: the task
    would go on as if nobody had asked it to stop, and whoever waits for its end would wait for ever.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
