"""Proxies: which variable of the environment sends the requests for a URL through a proxy.

Loopback addresses are always asked directly, as browsers do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from tidings.client.addresses import is_loopback
from tidings.client.errors import Permanent

if TYPE_CHECKING:
    import httpx

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""The scheme whose proxy serves a URL, by the scheme of the URL."""
SUPPORTED_PROXIES = ("http", "https")


def proxied_transport(url: str) -> httpx.AsyncHTTPTransport:
    """Return a transport of httpx for the requests to a URL; raises Permanent for SOCKS."""
    import httpx

    try:
        return httpx.AsyncHTTPTransport(proxy=proxy_for(url))
    except (ValueError, httpx.InvalidURL):
        raise Permanent(f"{proxy_variable(url)} is not the URL of a proxy") from None


def proxy_for(url: str) -> str | None:
    """Return the proxy for the requests to a URL, None if it is asked directly.

    Raises Permanent for a proxy that is not one of HTTP, such as one of SOCKS.
    """
    variable = proxy_variable(url)
    if variable is None:
        return None
    value = os.environ[variable]
    proxy = value if "://" in value else f"http://{value}"
    scheme = proxy.partition("://")[0].lower()
    if scheme not in SUPPORTED_PROXIES:
        raise Permanent(
            f"{variable} names a proxy of the kind `{scheme}`, which Tidings does not support;"
            f" unset {variable}, or add {urlsplit(url).hostname} to NO_PROXY"
        )
    return proxy


def proxy_note(url: str) -> str:
    """Return the words that name the proxy of a URL in an error message, or nothing."""
    variable = proxy_variable(url)
    return f" through the proxy that {variable} names" if variable else ""


def proxy_variable(url: str) -> str | None:
    """Return the variable that names the proxy of a URL; None if it is asked directly."""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", SCHEMES.get(parts.scheme.lower())
    except ValueError:
        return None
    proxies = getproxies_environment()
    if scheme is None or is_loopback(url) or proxy_bypass(host, proxies):
        return None
    kind = next((kind for kind in (scheme, "all") if proxies.get(kind)), None)
    if kind is None:
        return None
    # Lower-case variables win, as in `getproxies_environment`.
    return next(
        name
        for name in sorted(os.environ, reverse=True)
        if name.lower() == f"{kind}_proxy" and os.environ[name] == proxies[kind]
    )
