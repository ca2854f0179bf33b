"""A send is begun at once; only what must wait goes on in a task, and may be given up before or after that begins."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from tidings.edge.eager import start


class Wire:
    """Takes what it is sent once it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent: list[str] = []
        self.ended = False

    async def send(self, text: str) -> None:
        try:
            await self.open.wait()
            self.sent.append(text)
        finally:
            self.ended = True


async def test_a_send_that_need_not_wait_is_done_at_once() -> None:
    wire = Wire()
    wire.open.set()

    assert start(wire.send("now")) is None

    assert wire.sent == ["now"]


async def test_what_must_wait_is_done_by_whoever_awaits_it() -> None:
    wire = Wire()
    remainder = start(wire.send("later"))
    assert remainder and not wire.sent

    wire.open.set()
    await remainder

    assert wire.sent == ["later"]


async def test_a_send_that_is_cancelled_ends() -> None:
    wire = Wire()
    remainder = start(wire.send("never"))
    assert remainder

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await remainder

    assert (wire.ended, wire.sent) == (True, [])


async def test_a_remainder_that_nobody_awaits_is_no_trouble() -> None:
    wire = Wire()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        remainder = start(wire.send("never"))
        del remainder
        gc.collect()

    assert (wire.ended, wire.sent) == (True, [])
