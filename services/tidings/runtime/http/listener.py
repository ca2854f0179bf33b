"""Listener: the socket that a service listens on; this module loads no web framework."""

from __future__ import annotations

import socket

from tidings.runtime.errors import InvalidSettings

BACKLOG_CONNECTIONS = 4096


def bind_listener(
    host: str, port: int, idle_timeout_seconds: float, *, reuse_port: bool = False
) -> socket.socket:
    """Return a listening socket whose idle peers time out; raises InvalidSettings.

    Port 0 chooses a free one. With `reuse_port` several processes listen on one port, and the
    kernel spreads the connections over them (`SO_REUSEPORT`).
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _set_idle_timeout(listener, idle_timeout_seconds)
    try:
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise InvalidSettings(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port, or 0 for any"
            " free one"
        ) from None
    return listener


def _set_idle_timeout(listener: socket.socket, idle_timeout_seconds: float) -> None:
    """Have the kernel end connections whose peer acknowledges neither data nor keepalive probes.

    TCP_USER_TIMEOUT is the timeout of RFC 9293, section 3.8.3; accepted sockets inherit it.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(idle_timeout_seconds / 2))
        )
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, int(idle_timeout_seconds / 10))
        )
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(idle_timeout_seconds * 1000)
        )
