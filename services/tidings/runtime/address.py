"""Addresses: where a client is, as far as that can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from tidings.runtime.settings import Network

HOPS_LIMIT = 20
SITE_BITS = 64
"""One customer's part of the internet has this many bits in IPv6: what is counted by address is counted by that."""


def address_of(
    peer: str, headers: Mapping[str, str], proxies: Sequence[Network], header: str
) -> str:
    """What stands for a client in limits: its address, or the /64 that it is in. `peer` is whom the connection is with.

    `X-Forwarded-For` or `Forwarded` (RFC 7239), whichever is set, is read from its end, and only as far as proxies that are
    trusted wrote it.
    """
    found = _parsed(peer)
    if proxies and found and (told := headers.get(header)):
        hops = [_hop(each, header) for each in told.split(",")[-HOPS_LIMIT:]]
        while found and hops and _within(found, proxies) and (next_ := _parsed(hops.pop())):
            found = next_
    return _site(found) if found else peer


def _hop(text: str, header: str) -> str:
    if header != "forwarded":
        return text.strip()
    pairs = (pair.partition("=") for pair in text.split(";"))
    return next(
        (value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "for"), ""
    )


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _site(address: IPv4Address | IPv6Address) -> str:
    return (
        str(address)
        if address.version == 4
        else str(IPv6Network((address, SITE_BITS), strict=False))
    )
