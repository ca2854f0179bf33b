"""Eager sends: a send runs at once, and only a send that must wait continues in a task."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from tidings.edge.connection.eager_send import run_until_blocked


class Wire:
    """Accepts texts once it is open."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.sent_texts: list[str] = []
        self.has_ended = False

    async def send(self, text: str) -> None:
        try:
            await self.is_open.wait()
            self.sent_texts.append(text)
        finally:
            self.has_ended = True


async def test_a_send_that_need_not_wait_completes_at_once() -> None:
    wire = Wire()
    wire.is_open.set()

    assert run_until_blocked(wire.send("now")) is None

    assert wire.sent_texts == ["now"]


async def test_a_send_that_must_wait_completes_when_it_is_awaited() -> None:
    wire = Wire()
    remainder = run_until_blocked(wire.send("later"))
    assert remainder and not wire.sent_texts

    wire.is_open.set()
    await remainder

    assert wire.sent_texts == ["later"]


async def test_a_send_that_is_cancelled_ends() -> None:
    wire = Wire()
    remainder = run_until_blocked(wire.send("never"))
    assert remainder

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await remainder

    assert (wire.has_ended, wire.sent_texts) == (True, [])


async def test_a_remainder_that_is_never_awaited_causes_no_warning() -> None:
    wire = Wire()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        remainder = run_until_blocked(wire.send("never"))
        del remainder
        gc.collect()

    assert (wire.has_ended, wire.sent_texts) == (True, [])
