"""Eager sends: what need not wait is written at once, without a task of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any


def start(sending: Coroutine[Any, None, None]) -> Awaitable[None] | None:
    """Run a send up to where it must wait: None if it is done, else what remains, to be awaited. Raises what the send raises."""
    try:
        waited_for = sending.send(None)
    except StopIteration:
        return None
    return _remainder(sending, waited_for)


@coroutine
def _remainder(sending: Coroutine[Any, None, None], waited_for: Any) -> Generator[Any]:
    try:
        yield waited_for
    except BaseException:
        sending.close()
        raise
    yield from sending  # pyright: ignore[reportGeneralTypeIssues]  a coroutine may be resumed here, PEP 492
