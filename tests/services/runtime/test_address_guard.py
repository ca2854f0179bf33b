"""The address guard: public addresses only, in every spelling that leads to one."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.runtime.address_guard import AddressGuard, ForbiddenAddress, is_public

PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:80b::200e"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
)
NOT_PUBLIC = (
    *("127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "198.18.0.1", "192.0.0.8", "192.0.0.9", "192.88.99.1", "192.0.2.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1"),
    *("fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "100::1"),
    *("2001:db8::1", "3fff::1", "2001:2::1", "5f00::1", "4000::1", "1::1", "64:ff9b:1::808:808"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1"),
    *("2002:a00:1::", "2002:7f00:1::1", "2001:0:808:808::f5ff:fffe"),
    *("localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", ""),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert AddressGuard().is_allowed(address, 443)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is_allowed(address: str) -> None:
    assert not AddressGuard().is_allowed(address, 443)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_address_within_another_counts_like_itself(address: IPv4Address) -> None:
    for text in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ip_address(text)) == is_public(address)


@pytest.mark.parametrize("port", [22, 25, 80, 8443])
def test_only_the_ports_of_the_setting_are_allowed(port: int) -> None:
    assert not AddressGuard().is_allowed("8.8.8.8", port)
    assert AddressGuard(ports=[port]).is_allowed("8.8.8.8", port)


def test_a_permitted_network_is_allowed_and_nothing_beside_it() -> None:
    guard = AddressGuard([IPv4Network("10.1.0.0/16"), IPv6Network("fd00::/8")])

    assert guard.is_allowed("10.1.2.3", 443) and guard.is_allowed("fd00::7", 443)
    assert not guard.is_allowed("10.2.0.1", 443)
    assert not guard.is_allowed("10.1.2.3", 22)


def test_a_guard_of_networks_alone_allows_no_public_address() -> None:
    guard = AddressGuard([IPv4Network("10.1.0.0/16")], public=False)

    assert guard.is_allowed("10.1.2.3", 443)
    assert not guard.is_allowed("8.8.8.8", 443)


def test_a_socket_is_opened_for_allowed_addresses_only() -> None:
    guard = AddressGuard()

    with guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))) as opened:
        assert opened.family == socket.AF_INET
    with pytest.raises(ForbiddenAddress):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443)))
    with pytest.raises(ForbiddenAddress):
        guard.open_socket((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 443)))
