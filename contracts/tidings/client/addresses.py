"""Addresses: spell hosts with ports in URLs, and tell which URLs name this machine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

WILDCARD_HOSTS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""The loopback address for each address that means all interfaces."""


def bare_host(host: str) -> str:
    """Return a host without the brackets of URLs: `::1` for `[::1]`."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_and_port(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    bare = bare_host(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def http_url(host: str, port: int) -> str:
    """Return the URL by which clients on this machine reach what listens on host and port.

    The zone of a link-local address is escaped (RFC 6874).
    """
    bare = bare_host(host)
    reachable = WILDCARD_HOSTS.get(bare, bare).replace("%", "%25")
    return f"http://{host_and_port(reachable, port)}"


def web_socket_url(url: str) -> str:
    """Return the `ws://` or `wss://` URL beside an HTTP URL."""
    return url.replace("http", "ws", 1) if url.lower().startswith("http") else url


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine by a loopback or wildcard address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def admits_other_machines(host: str) -> bool:
    """Return whether what listens on a host can be reached from other machines."""
    return bare_host(host) in WILDCARD_HOSTS or not is_loopback(http_url(host, 0))


def credentials_of(user: str | None, password: str | None) -> tuple[str | None, str | None]:
    """Return the user and the password of a URL, decoded (RFC 3986, section 2.1)."""
    return (
        None if user is None else unquote(user),
        None if password is None else unquote(password),
    )
