"""Client addresses: the address that limits count, read from headers of trusted proxies only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from tidings.runtime.setting_values import Network

HOPS_LIMIT = 20
IPV6_SITE_BITS = 64
"""A site gets a whole /64, so that limits by IPv6 address count by that prefix."""


def peer_of(scope: Any) -> str:
    """Return the other end of the connection of an ASGI scope, empty if the scope has none."""
    return (scope.get("client") or ("", 0))[0]


def address_of(
    peer: str, headers: Mapping[str, str], proxies: Sequence[Network], header: str
) -> str:
    """Return a client's key in limits: its IPv4 address, or its IPv6 /64.

    `peer` is the other end of the connection. `header`, in lower case, is `x-forwarded-for` or
    `forwarded` (RFC 7239); it is read from its end, and only as far as trusted proxies wrote it,
    because a client can write anything at its beginning.
    """
    address = _parse_address(peer)
    if proxies and address and (header_text := headers.get(header)):
        hops = [_hop_address(hop, header) for hop in header_text.split(",")[-HOPS_LIMIT:]]
        while (
            address
            and hops
            and _is_within(address, proxies)
            and (next_address := _parse_address(hops.pop()))
        ):
            address = next_address
    return _network_text(address) if address else peer


def is_from_proxy(peer: str, proxies: Sequence[Network]) -> bool:
    """Return whether the other end of a connection is a trusted proxy."""
    address = _parse_address(peer) if proxies else None
    return address is not None and _is_within(address, proxies)


def forwarded_fields(element: str) -> dict[str, str]:
    """Return the fields of an element of `Forwarded` (RFC 7239, section 4), names in lower case."""
    pairs = (pair.partition("=") for pair in element.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _hop_address(text: str, header: str) -> str:
    return forwarded_fields(text).get("for", "") if header == "forwarded" else text.strip()


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address with or without a port; None if it is not one."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_within(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _network_text(address: IPv4Address | IPv6Address) -> str:
    return (
        str(address)
        if address.version == 4
        else str(IPv6Network((address, IPV6_SITE_BITS), strict=False))
    )
