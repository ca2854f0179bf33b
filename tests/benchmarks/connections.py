"""Client connections (WebSocket, Server-Sent Events) with a minimal parser, for low cost."""

import asyncio
import re
from enum import IntEnum

from tests.benchmarks.tally import Tally

HEAD_END = b"\r\n\r\n"


class Opcode(IntEnum):
    """RFC 6455, section 5.2."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection that sends a request and counts what follows the response head.

    `ready` completes when a frame that matches `waiting` has arrived (None: when the request is
    answered), or fails with the connection.
    """

    __slots__ = ("is_open", "pending", "ready", "request", "tally", "transport", "waiting")
    transport: asyncio.Transport

    def __init__(self, tally: Tally, request: bytes, waiting: re.Pattern[bytes] | None) -> None:
        self.tally, self.request, self.waiting = tally, request, waiting
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open, self.pending = False, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        at = self.tally.clock()
        if self.pending:
            data = self.pending + data
        if self.is_open:
            self.pending = self.count_frames(data, at)
        else:
            self.pending = self.read_head(data, at)

    def read_head(self, data: bytes, at: int) -> bytes:
        """Read the head of the response once it is complete, and return the bytes after it."""
        head, separator, rest = data.partition(HEAD_END)
        if not separator:
            return data
        self.is_open = True
        if head.split(b" ", 2)[1] in (b"101", b"200"):
            self.accept_head(head)
            if self.waiting is None:
                self.ready.set_result(None)
            return self.count_frames(rest, at)
        self.fail(head.decode("latin-1").partition("\r\n")[0])
        return b""

    def accept_head(self, head: bytes) -> None:
        """The server has agreed."""

    def count_frames(self, data: bytes, at: int) -> bytes:
        """Count the complete frames in `data`, and return the incomplete rest."""
        raise NotImplementedError

    def count_frame(self, payload: bytes, at: int) -> None:
        """Count a frame, and complete `ready` if it is the expected one."""
        self.tally.frame(payload, at)
        if self.waiting and not self.ready.done() and self.waiting.search(payload):
            self.ready.set_result(None)

    def fail(self, reason: str) -> None:
        """End this connection with a reason."""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.tally.closed += 1
        self.fail(f"closed before the frame it waited for: {exc}")


class WebSocket(Connection):
    """A WebSocket (RFC 6455) without extensions, for servers that do not fragment.

    `say` is the text to send first.
    """

    __slots__ = ("say",)

    def __init__(
        self, tally: Tally, request: bytes, waiting: re.Pattern[bytes] | None, say: str = ""
    ) -> None:
        super().__init__(tally, request, waiting)
        self.say = say

    def accept_head(self, head: bytes) -> None:
        if self.say:
            self.transport.write(mask_frame(Opcode.TEXT, self.say.encode()))

    def count_frames(self, data: bytes, at: int) -> bytes:
        position, end = 0, len(data)
        while end - position >= 2:
            start, length = position + 2, data[position + 1]
            if length >= 126:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[position + 2 : start], "big")
            if start + length > end:
                break
            self.message(data[position] & 15, data[start : start + length], at)
            position = start + length
        return data[position:]

    def message(self, opcode: int, payload: bytes, at: int) -> None:
        """Count data, answer a ping, obey a close."""
        if opcode in (1, 2):
            self.count_frame(payload, at)
        elif opcode == Opcode.PING:
            self.transport.write(mask_frame(Opcode.PONG, payload))
        elif opcode == Opcode.CLOSE:
            self.fail(f"closed by the server: {payload!r}")


class Stream(Connection):
    """Server-Sent Events in a response that is chunked, or ends with its connection."""

    __slots__ = ("is_chunked", "text")

    def accept_head(self, head: bytes) -> None:
        self.text, self.is_chunked = b"", b"chunked" in head

    def count_frames(self, data: bytes, at: int) -> bytes:
        if not self.is_chunked:
            self.events(data, at)
            return b""
        position, end = 0, len(data)
        while (line := data.find(b"\r\n", position)) >= 0:
            start = line + 2
            stop = start + int(data[position:line], 16)
            if stop + 2 > end:
                break
            self.events(data[start:stop], at)
            position = stop + 2
        return data[position:]

    def events(self, chunk: bytes, at: int) -> None:
        """Count the events that end in this chunk."""
        *events, self.text = (self.text + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in events:
            self.count_frame(event, at)


def mask_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return a client frame of less than 64 KiB, masked with zeros."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + size + bytes(4) + payload
