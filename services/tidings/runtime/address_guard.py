"""Address guard: which network addresses a request to an address of other people may connect to.

It looks at the address that a socket is about to connect to, not at the name, so that neither a
name that changes its answer nor an unusual spelling of an address leads inside (SSRF).
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from tidings.runtime.setting_values import Network

HTTPS_PORT = 443
LOCALHOST = "localhost"
FORBIDDEN = "the address is not a public one, and no setting permits it"
UNICAST = IPv6Network("2000::/3")
"""All public IPv6 addresses are in here (RFC 4291, section 2.4)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""
SPECIAL: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890)
    IPv4Network("192.88.99.0/24"),  # relays of 6to4 (RFC 7526)
    IPv6Network("2001::/23"),  # Teredo, ORCHID and others (RFC 2928)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
"""Not public, though some versions of Python call them global."""

SocketAddress = tuple[Any, ...]
AddressInfo = tuple[int, int, int, str, SocketAddress]
"""Family, type, protocol, canonical name and address, as `socket.getaddrinfo` gives them."""


class ForbiddenAddress(OSError):
    """A connection to this address is not permitted."""


class AddressGuard:
    """Permits public addresses, and those of `permitted` networks, on some ports.

    If not `public`, it permits only those of the networks.
    """

    def __init__(
        self,
        permitted: Collection[Network] = (),
        ports: Collection[int] = (HTTPS_PORT,),
        *,
        public: bool = True,
    ) -> None:
        self._permitted = tuple(permitted)
        self._ports = frozenset(ports)
        self._public = public

    def is_allowed(self, address: str, port: int) -> bool:
        """Return whether a connection may go to an address, which is not a name."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return port in self._ports and (
            any(found in network for network in self._permitted)
            or (self._public and is_public(found))
        )

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Return a socket for the address that it will connect to; raises ForbiddenAddress."""
        family, kind, protocol, _, (host, port, *_) = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not self.is_allowed(host, port):
            raise ForbiddenAddress(FORBIDDEN)
        return socket.socket(family, kind, protocol)


def states_private_address(host: str, permitted: Collection[Network] = ()) -> bool:
    """Return whether a host is spelled as an address that may not be connected to.

    What a name stands for is only known at a connection, which `AddressGuard` checks.
    """
    address = _spelled_address(host)
    if address is None or any(address in network for network in permitted):
        return False
    return not is_public(address)


def _spelled_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host spells, in any of the ways that sockets take; else None."""
    if host == LOCALHOST or host.endswith(f".{LOCALHOST}"):
        return IPv4Address("127.0.0.1")
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is a public unicast one; one that holds an IPv4 address, if that
    is.
    """
    held = address if isinstance(address, IPv4Address) else _held_address(address)
    if held is not None:
        return _is_public_address(held)
    return address in UNICAST and _is_public_address(address)


def _is_public_address(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in SPECIAL)
    )


def _held_address(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a mapped, a 6to4 or a NAT64 address leads to."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
