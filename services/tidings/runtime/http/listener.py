"""Listener: the socket that a service listens on; this module loads no web framework."""

from __future__ import annotations

import errno
import socket
from typing import NamedTuple

from tidings.client.addresses import bare_host, host_and_port
from tidings.runtime.errors import InvalidSettings

BACKLOG_CONNECTIONS = 4096
PORT_ERRORS = (errno.EADDRINUSE, errno.EACCES, errno.EPERM)
"""The errors of `bind` that another port avoids; gaierror has numbers of its own, below 0."""


class ListenerNames(NamedTuple):
    """What a user changes to listen elsewhere, for error messages."""

    host: str = "TIDINGS_HOST"
    port: str = "TIDINGS_PORT"


SETTING_NAMES = ListenerNames()


def bind_listener(
    host: str,
    port: int,
    idle_timeout_seconds: float,
    *,
    reuse_port: bool = False,
    names: ListenerNames = SETTING_NAMES,
) -> socket.socket:
    """Return a listening socket whose idle peers time out; raises InvalidSettings.

    Port 0 chooses a free one. With `reuse_port` several processes listen on one port, and the
    kernel spreads the connections over them (`SO_REUSEPORT`).
    """
    listener = bind_socket(host, port, reuse_port=reuse_port, names=names)
    try:
        _set_idle_timeout(listener, idle_timeout_seconds)
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error, names) from None
    return listener


def bind_socket(
    host: str, port: int, *, reuse_port: bool, names: ListenerNames = SETTING_NAMES
) -> socket.socket:
    """Return a socket bound to an address or the name of one; raises InvalidSettings."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            bare_host(host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family)
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(host, port, error, names) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error, names) from None
    return listener


def _cannot_listen(
    host: str, port: int, error: OSError | UnicodeError, names: ListenerNames
) -> InvalidSettings:
    """Return the error with its cause, and the setting that is to be changed."""
    reason = getattr(error, "strerror", None) or "not a host name"
    is_port = isinstance(error, OSError) and error.errno in PORT_ERRORS
    advice = (
        f"choose another {names.port}, or 0 for any free one"
        if is_port
        else f"choose another {names.host}: an address of this machine, such as 127.0.0.1 or ::1"
    )
    return InvalidSettings(f"cannot listen on {host_and_port(host, port)}: {reason}; {advice}")


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
