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
LOST_RETRANSMITS = 3
"""After so many in a row, which take a second or more, a peer counts as lost."""


class BoundedTransport:
    """A transport that is aborted if its peer does not read the rest within `close_seconds`.

    It holds the slot of the connection, whose protocol may change. `write` is the method of the
    transport itself, so that a write costs what it did.
    """

    __slots__ = ("_peers", "_slot", "_timer", "_transport", "write")

    def __init__(self, transport: Any, peers: Peers, slot: PeerSlot | None) -> None:
        self._transport = transport
        self._peers = peers
        self._slot = slot
        self._timer: asyncio.TimerHandle | None = None
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the transport itself."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether the transport is closed or will be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the transport once the peer has read the rest, or abort it if it does not."""
        self._transport.close()
        if self._timer is None and self._transport.get_write_buffer_size():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._peers.bounds.close_seconds, self.abort, "unread")

    def abort(self, reason: str = "") -> None:
        """Close the transport at once, discard the rest and reset the connection."""
        if reason:
            self._peers.record_abort(reason, self.address)
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
