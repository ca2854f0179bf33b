"""Allowed hosts: refuses requests that name a host that is not ours (DNS rebinding).

A page of any site can give its name our address, and then its requests are of our own origin; only
`Host` tells them apart (RFC 9110, section 7.2).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from ipaddress import ip_address
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from tidings.client.addresses import bare_host
from tidings.contracts.hosts import ANY_HOST, host_of, is_one_of
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.client_address import is_from_proxy
from tidings.runtime.http import problem
from tidings.runtime.settings import Settings

OPEN_PATHS = "/health/"
"""What probes read, by the address of a machine; it has nothing personal."""
PROBLEM_KINDS = {"http": "http", "websocket": "websocket.http"}

log = logging.getLogger("tidings.web")


class AllowedHosts:
    """Wraps an application; `hosts` are the names besides those of the loopback interface."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts
        self._proxies, self._forwarded = settings.proxies, settings.forwarded_header
        self._is_open = ANY_HOST in self._hosts or not (
            self._hosts or _is_loopback(bare_host(settings.host))
        )
        if self._is_open:
            log.info("requests may name any host; TIDINGS_ALLOWED_HOSTS restricts them")

    # This is no coroutine function, whose frame would live as long as a connection.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, or answer it with 421."""
        kind = PROBLEM_KINDS.get(scope["type"])
        if kind is None or self._is_open or self._admits(scope):
            return self._app(scope, receive, send)
        return problem.send_problem(
            send,
            421,
            "misdirected request",
            "requests may not name this host; TIDINGS_ALLOWED_HOSTS admits it, or"
            " TIDINGS_TRUSTED_PROXIES if a proxy sent the request",
            kind=kind,
        )

    def _admits(self, scope: Any) -> bool:
        if scope["path"].startswith(OPEN_PATHS):
            return True
        handshake = HandshakeInfo.from_scope(scope, self._proxies, self._forwarded)
        if not self._hosts and is_from_proxy(handshake.peer, self._proxies):
            return True
        host = host_of(handshake.own.authority)
        if not host or _is_loopback(host):
            return True
        return is_one_of(host, self._hosts) if self._hosts else _is_word(host)


def _is_loopback(host: str) -> bool:
    """Return whether a name is one of the loopback interface, which no other site can have."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_word(host: str) -> bool:
    """Return whether a name is a single word, such as `edge`, which no public site can have."""
    return "." not in host and ":" not in host
