"""Eager sends: write at once, without a task, what the transport takes without waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any


def run_until_blocked(send_call: Coroutine[Any, None, None]) -> Awaitable[None] | None:
    """Run a send until it blocks; return the rest to await, None if it is complete.

    Raises what the send raises.
    """
    try:
        awaited = send_call.send(None)
    except StopIteration:
        return None
    return _remainder(send_call, awaited)


@coroutine
def _remainder(send_call: Coroutine[Any, None, None], awaited: Any) -> Generator[Any]:
    try:
        yield awaited
    except BaseException:
        send_call.close()
        raise
    # A coroutine may be resumed here (PEP 492), which its type does not say.
    yield from send_call  # pyright: ignore[reportGeneralTypeIssues]
