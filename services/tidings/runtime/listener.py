"""Listener: the socket a service listens on, which gives up peers that are silent; it loads no web framework."""

from __future__ import annotations

import socket

from tidings.runtime.errors import InvalidSettings

BACKLOG_CONNECTIONS = 4096


def bind(host: str, port: int, stale_seconds: float, *, reuse: bool = False) -> socket.socket:
    """A listening socket, on any free port for 0, that gives up peers which are silent for too long; raises InvalidSettings.

    With `reuse` several processes listen on one port, and the kernel spreads the connections over them (`SO_REUSEPORT`).
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _give_up_stale(listener, stale_seconds)
    try:
        if reuse:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise InvalidSettings(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port, or 0 for any free one"
        ) from None
    return listener


def _give_up_stale(listener: socket.socket, stale_seconds: float) -> None:
    """Have the kernel end connections whose peer acknowledges nothing, sent data or probes, for so long (RFC 9293, section 3.8.3)."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(stale_seconds / 2)))
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, int(stale_seconds / 10))
        )
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stale_seconds * 1000))
