"""Links lead to hosts that a setting names, in the same words as those of allowed hosts."""

from __future__ import annotations

import pytest
from tidings.contracts.hosts import host_of, is_one_of
from tidings.contracts.page_addresses import is_linkable
from tidings.runtime.settings import Settings

HOSTS = "*.acme.com, docs.example.org, [2001:db8::1]"


@pytest.mark.parametrize(
    ("address", "linkable"),
    [
        ("https://shop.acme.com/7", True),
        ("https://a.b.ACME.com:8443?x#y", True),
        ("https://docs.example.org./7", True),
        ("https://[2001:db8::1]:8443/7", True),
        ("/tasks/7", True),
        ("https://acme.com/7", False),
        ("https://evilacme.com/7", False),
        ("https://shop.acme.com.evil.example/7", False),
        ("https://evil.example/.acme.com", False),
        ("https://[2001:db8::2]/7", False),
    ],
)
def test_an_address_is_linkable_if_its_host_is_named(address: str, linkable: bool) -> None:
    assert is_linkable(address, Settings(link_hosts=HOSTS).linkable_hosts) is linkable


def test_hosts_of_requests_and_of_links_are_matched_alike() -> None:
    hosts = Settings(allowed_hosts=HOSTS).hosts

    assert set(hosts) == Settings(link_hosts=HOSTS).linkable_hosts
    assert is_one_of(host_of("shop.acme.com:8443"), hosts)
    assert is_one_of(host_of("[2001:DB8::1]:8443"), hosts)
    assert not is_one_of(host_of("acme.com"), hosts)
