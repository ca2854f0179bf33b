"""Addresses and proxies: IPv6 in brackets everywhere, loopback addresses asked directly."""

from __future__ import annotations

import socket

import pytest
from tidings.client.addresses import admits_other_machines, host_and_port, http_url, is_loopback
from tidings.client.errors import Permanent
from tidings.client.proxies import proxy_for, proxy_note
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.http.listener import bind_socket
from tidings.runtime.settings_sources import load_settings

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("[::1]", "http://[::1]:80"),
        ("::", "http://[::1]:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("", "http://127.0.0.1:80"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_url_of_a_host_is_one_that_clients_reach(host: str, url: str) -> None:
    assert http_url(host, 80) == url
    assert load_settings({}, include_running=False, host=host, port=80).base_url == url


def test_a_host_and_its_port_are_told_apart() -> None:
    assert host_and_port("2001:db8::1", 4222) == "[2001:db8::1]:4222"
    assert host_and_port("example.org", 4222) == "example.org:4222"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.9.9.9", True),
        ("ws://[::1]:8000/v1/socket", True),
        ("http://[::ffff:127.0.0.1]", True),
        ("http://localhost:1", True),
        ("http://demo.localhost:1", True),
        ("http://localhost.example.org", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
    ],
)
def test_a_loopback_url_is_known(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("::", True), ("10.0.0.1", True)],
)
def test_a_host_that_admits_other_machines_is_known(host: str, expected: bool) -> None:
    assert admits_other_machines(host) is expected


@pytest.mark.parametrize("host", ["::1", "[::1]", "localhost", "::"])
def test_a_host_of_any_kind_can_be_listened_on(host: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with bind_socket(host, 0, reuse_port=False) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        socket.create_connection(("::1" if ":" in host else host, port), 5).close()


@pytest.mark.parametrize("host", ["no where", "192.0.2.1", "a" * 70 + ".example", "127.0.0.1:80"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(InvalidSettings, match="choose another TIDINGS_HOST"):
        bind_socket(host, 0, reuse_port=False)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.delenv(spelling, raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_used_for_other_machines_alone(
    no_proxies: pytest.MonkeyPatch, variable: str
) -> None:
    no_proxies.setenv(variable, PROXY)

    assert proxy_for("http://127.0.0.1:8000") is None
    assert proxy_for("ws://[::1]:8000/v1/socket") is None
    assert proxy_for("http://tidings.example") == PROXY
    assert variable in proxy_note("http://tidings.example")


def test_a_host_of_no_proxy_is_asked_directly(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("ALL_PROXY", PROXY)
    no_proxies.setenv("NO_PROXY", "tidings.example")

    assert proxy_for("http://tidings.example") is None


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "socks5h://p", "ftp://p"])
def test_a_proxy_of_another_kind_is_refused_by_its_variable(
    no_proxies: pytest.MonkeyPatch, value: str
) -> None:
    no_proxies.setenv("ALL_PROXY", value)

    with pytest.raises(Permanent, match="ALL_PROXY names a proxy of the kind"):
        proxy_for("https://tidings.example")


SERVICE_LINKS = {
    "TIDINGS_SERVICE_HOST": "10.0.0.7",
    "TIDINGS_SERVICE_PORT": "8000",
    "TIDINGS_SERVICE_PORT_HTTP": "8000",
    "TIDINGS_PORT": "tcp://10.0.0.7:8000",
    "TIDINGS_PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "TIDINGS_PORT_8000_TCP_PROTO": "tcp",
    "TIDINGS_PORT_8000_TCP_PORT": "8000",
    "TIDINGS_PORT_8000_TCP_ADDR": "10.0.0.7",
    "TIDINGS_EDGE_SERVICE_HOST": "10.0.0.8",
    "TIDINGS_EDGE_PORT": "tcp://10.0.0.8:80",
    "TIDINGS_METRICS_PORT": "udp://10.0.0.9:9090",
    "TIDINGS_NATS_NAME": "/web/tidings-nats",
    "TIDINGS_NATS_ENV_VERSION": "2",
}


def test_variables_that_a_cluster_injects_are_skipped_and_said() -> None:
    from tidings.runtime.settings_sources import unread_variables

    settings = load_settings(SERVICE_LINKS, include_running=False)
    (said,) = unread_variables(SERVICE_LINKS)

    assert settings == load_settings({}, include_running=False)
    assert all(name in said for name in SERVICE_LINKS)


def test_an_empty_variable_is_an_absent_one() -> None:
    names = ("NATS_URL", "PORT", "HOST", "LOG_LEVEL", "DATA_DIR", "METRICS_PORT", "JWT_SECRET")

    settings = load_settings({f"TIDINGS_{name}": " " for name in names}, include_running=False)

    assert settings == load_settings({}, include_running=False)


@pytest.mark.parametrize("value", ["debug", "Debug", "DEBUG"])
def test_a_choice_may_be_written_in_any_case(value: str) -> None:
    assert load_settings({"TIDINGS_LOG_LEVEL": value}, include_running=False).log_level == "DEBUG"
