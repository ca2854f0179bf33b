"""Gathered writes: what is written in a few turns of the event loop is one write, in order."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from tidings.runtime.http.connections.transport import GATHERED_BYTES_LIMIT, BoundedTransport


class RecordingTransport:
    """A transport that records what is done to it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self._is_closing = False

    def write(self, data: bytes) -> None:
        self.calls.append(bytes(data))

    def write_eof(self) -> None:
        self.calls.append("eof")

    def close(self) -> None:
        self._is_closing = True
        self.calls.append("close")

    def abort(self) -> None:
        self._is_closing = True
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return self._is_closing

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _: str) -> None:
        return None


def make_transport() -> tuple[BoundedTransport, list[Any]]:
    inner = RecordingTransport()
    peers = cast(Any, SimpleNamespace(record_abort=lambda *_: None))
    return BoundedTransport(inner, peers, None), inner.calls


async def test_writes_of_the_turns_that_were_asked_for_are_one() -> None:
    transport, calls = make_transport()
    transport.gather_writes(turns=1)
    transport.write(b"a")
    await asyncio.sleep(0)
    transport.write(b"b")
    assert calls == []

    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls == [b"ab"]

    transport.write(b"c")
    assert calls == [b"ab", b"c"]


async def test_without_a_write_nothing_is_written() -> None:
    transport, calls = make_transport()
    transport.gather_writes(turns=0)
    await asyncio.sleep(0)

    assert calls == []


async def test_what_is_too_much_to_gather_is_written_at_once() -> None:
    transport, calls = make_transport()
    transport.gather_writes(turns=1)
    transport.write(b"a" * GATHERED_BYTES_LIMIT)
    assert calls == []
    transport.write(b"b")
    transport.write(b"c")

    assert calls == [b"a" * GATHERED_BYTES_LIMIT + b"b", b"c"]


async def test_what_was_gathered_is_written_before_the_end() -> None:
    transport, calls = make_transport()
    transport.gather_writes(turns=1)
    transport.write(b"a")
    transport.write_eof()
    transport.gather_writes(turns=1)
    transport.write(b"b")
    transport.close()

    assert calls == [b"a", "eof", b"b", "close"]


async def test_what_was_gathered_is_discarded_when_the_connection_is_reset() -> None:
    transport, calls = make_transport()
    transport.gather_writes(turns=0)
    transport.write(b"a")
    transport.abort("unread")
    await asyncio.sleep(0)

    assert calls == ["abort"]
