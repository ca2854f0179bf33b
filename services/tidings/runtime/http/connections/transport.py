"""Transports whose end is bounded: a peer that does not read is aborted."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from tidings.runtime.http.connections.peers import Peers, PeerSlot

NO_LINGER = struct.pack("ii", 1, 0)
"""With it, closing a socket discards what was not sent, and the peer gets a RST (RFC 9293)."""
TCP_INFO_BYTES = 104
RETRANSMITS_OFFSET, LAST_ACK_OFFSET = 2, 56
"""Offsets of `tcpi_retransmits` and `tcpi_last_ack_recv` in `struct tcp_info` of Linux."""
GATHERED_BYTES_LIMIT = 16 * 1024
"""What is gathered beyond it is written at once, so that the bounds of a slow peer hold."""
LOST_RETRANSMITS = 3
"""After so many in a row, which take a second or more, a peer counts as lost."""


class BoundedTransport:
    """A transport that is aborted if its peer does not read the rest within `close_seconds`.

    It holds the slot of the connection, whose protocol may change. `write` is the method of the
    transport itself, so that a write costs what it did, but while writes are gathered.
    """

    __slots__ = ("_gathered", "_peers", "_slot", "_timer", "_transport", "write")

    def __init__(self, transport: Any, peers: Peers, slot: PeerSlot | None) -> None:
        self._transport = transport
        self._peers = peers
        self._slot = slot
        self._timer: asyncio.TimerHandle | None = None
        self._gathered: bytearray | None = None
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the transport itself."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether the transport is closed or will be."""
        return self._transport.is_closing()

    def gather_writes(self, turns: int) -> None:
        """Join what is written in this turn of the event loop and the next ones into one write.

        A write costs a system call. What exceeds `GATHERED_BYTES_LIMIT` is written at once.
        """
        if self._gathered is None and not self.is_closing():
            self._gathered = bytearray()
            self.write = self._gather
            asyncio.get_running_loop().call_soon(self._flush_after, turns)

    def _gather(self, data: bytes) -> None:
        gathered = self._gathered
        if gathered is None:
            self._transport.write(data)
            return
        gathered += data
        if len(gathered) > GATHERED_BYTES_LIMIT:
            self._flush()

    def _flush_after(self, turns: int) -> None:
        if turns and self._gathered is not None:
            asyncio.get_running_loop().call_soon(self._flush_after, turns - 1)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write what was gathered; from here on, writes are not gathered."""
        gathered, self._gathered = self._gathered, None
        self.write = self._transport.write
        if gathered and not self.is_closing():
            self._transport.write(gathered)

    def write_eof(self) -> None:
        """Write what was gathered, and then the end of the stream."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close the transport once the peer has read the rest, or abort it if it does not."""
        self._flush()
        self._transport.close()
        if self._timer is None and self._transport.get_write_buffer_size():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._peers.bounds.close_seconds, self.abort, "unread")

    def abort(self, reason: str = "") -> None:
        """Close the transport at once, discard the rest and reset the connection."""
        if reason:
            self._peers.record_abort(reason, self.address)
        self._gathered = None
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._transport.abort()

    @property
    def address(self) -> str:
        """Return the key of an unknown client in limits by address, empty for any other one."""
        return self._slot.address if self._slot else ""

    def set_authenticated(self) -> None:
        """Count the connection as that of a known client."""
        if self._slot:
            self._slot.set_authenticated()

    def release(self) -> None:
        """Free the slot of the connection, which has ended."""
        if self._timer:
            self._timer.cancel()
        if self._slot:
            self._slot.release()

    def seconds_without_ack(self) -> float:
        """Return how long the peer has left what is sent again and again unacknowledged.

        0 for a peer that acknowledges, or if the system does not report it.
        """
        sock = self._transport.get_extra_info("socket")
        if sock is None or not hasattr(socket, "TCP_INFO"):
            return 0.0
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        except OSError:
            return 0.0
        if len(info) < LAST_ACK_OFFSET + 4 or info[RETRANSMITS_OFFSET] < LOST_RETRANSMITS:
            return 0.0
        return struct.unpack_from("=I", info, LAST_ACK_OFFSET)[0] / 1000
