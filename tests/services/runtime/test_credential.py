"""Credentials: the places of a token, the allowed origins, and the address of a client."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from tidings.runtime.auth.credential import HandshakeInfo, TicketCredential, TokenCredential
from tidings.runtime.auth.identity import ForeignOrigin, NoToken, Unauthorised
from tidings.runtime.auth.origin import CROSS_SITE, OWN_ORIGIN
from tidings.runtime.client_address import address_of
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

HOST = "push.example.org"
APP = "https://app.example.org"
COOKIE = "tidings_token=abc.def.ghi"


def make_handshake(
    query: str = "", subprotocols: tuple[str, ...] = (), **headers: str
) -> HandshakeInfo:
    """Return a request to our host; `_` in the name of a header stands for a dash."""
    all_headers = {
        "host": HOST,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return HandshakeInfo.from_scope(
        {
            "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
            "query_string": query.encode(),
            "subprotocols": subprotocols,
            "client": ("192.0.2.1", 4711),
        }
    )


@pytest.mark.parametrize(
    ("handshake", "expected"),
    [
        (make_handshake(), None),
        (make_handshake(authorization="Bearer abc"), TokenCredential("abc")),
        (make_handshake(authorization="bearer abc"), TokenCredential("abc")),
        (make_handshake(subprotocols=("tidings.v1", "bearer.abc.def")), TokenCredential("abc.def")),
        (make_handshake(subprotocols=("tidings.v1",)), None),
        (make_handshake("cursor=1&ticket=abc"), TicketCredential("abc")),
        (make_handshake("ticket="), TicketCredential("")),
        (make_handshake("ticket=abc", authorization="Bearer def"), TokenCredential("def")),
        (make_handshake(authorization="Basic YTpi"), NoToken),
        (make_handshake(authorization=""), NoToken),
        (make_handshake("token=abc"), NoToken),
        (make_handshake("token=", authorization="Bearer abc"), NoToken),
        (make_handshake(cookie=COOKIE, origin=APP), TokenCredential("abc.def.ghi")),
        (make_handshake(cookie=f"a=b; {COOKIE} ; c", origin=APP), TokenCredential("abc.def.ghi")),
        (
            make_handshake(cookie="tidings_token=first; tidings_token=second", origin=APP),
            TokenCredential("first"),
        ),
        (make_handshake(cookie=COOKIE, origin=f"https://{HOST}"), TokenCredential("abc.def.ghi")),
        (
            make_handshake(cookie=COOKIE, origin=f"https://{HOST}:443"),
            TokenCredential("abc.def.ghi"),
        ),
        (
            make_handshake(cookie=COOKIE, sec_fetch_site="same-origin"),
            TokenCredential("abc.def.ghi"),
        ),
        (make_handshake(cookie="other=abc", origin="https://evil.example.org"), None),
        (make_handshake(cookie="tidings_token=", origin="https://evil.example.org"), None),
        (make_handshake(cookie=COOKIE), ForeignOrigin),
        (make_handshake(cookie=COOKIE, sec_fetch_site="none"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, sec_fetch_site="cross-site"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, sec_fetch_site="same-site"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin="null"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin=""), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin="https://evil.example.org"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin=f"https://{HOST}.evil.org"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin=f"https://{HOST}:444"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin=f"{APP}.evil.org"), ForeignOrigin),
        (make_handshake(cookie=COOKIE, origin=APP.replace("https", "http")), ForeignOrigin),
    ],
)
def test_a_credential_is_found_in_its_allowed_places(
    handshake: HandshakeInfo,
    expected: TokenCredential | TicketCredential | type[Unauthorised] | None,
) -> None:
    if isinstance(expected, type):
        with pytest.raises(expected) as refusal:
            handshake.credential("tidings_token", frozenset((APP,)))
        assert "abc" not in str(refusal.value)
    else:
        assert handshake.credential("tidings_token", frozenset((APP,))) == expected


PROXY = "192.0.2.1"
"""The peer of every handshake here."""


def read_origin(
    headers: dict[str, str], proxies: tuple[str, ...] = (), header: str = "x-forwarded-for"
) -> str:
    """Return the origin of a request with these headers, from a peer behind trusted proxies."""
    scope = {
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "query_string": b"",
        "client": (PROXY, 4711),
    }
    return HandshakeInfo.from_scope(scope, [*map(ip_network, proxies)], header).origin


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "a:8000"}, OWN_ORIGIN),
        ({"host": "a:8000", "origin": "http://a:8000"}, OWN_ORIGIN),
        ({"host": "A", "origin": "HTTPS://a"}, OWN_ORIGIN),
        ({"host": "[::1]:80", "origin": "http://[::1]"}, OWN_ORIGIN),
        ({"host": "a:8000", "origin": "http://a"}, "http://a"),
        ({"origin": "http://a"}, "http://a"),
        ({"host": "a", "sec-fetch-site": "cross-site"}, CROSS_SITE),
        ({"host": "a", "sec-fetch-site": "same-site"}, CROSS_SITE),
        ({"host": "a", "origin": "null"}, "null"),
    ],
)
def test_the_origin_of_a_request_is_that_of_its_page(headers: dict[str, str], origin: str) -> None:
    assert read_origin(headers) == origin


FORWARDED_HOST = {"host": "inner", "x-forwarded-host": "a:8443"}


@pytest.mark.parametrize(
    ("headers", "page", "is_own"),
    [
        (FORWARDED_HOST, "https://a:8443", True),
        (FORWARDED_HOST, "http://a:8443", True),
        (FORWARDED_HOST, "https://inner", False),
        (FORWARDED_HOST, "https://a", False),
        ({**FORWARDED_HOST, "x-forwarded-proto": "https"}, "https://a:8443", True),
        ({**FORWARDED_HOST, "x-forwarded-proto": "https"}, "http://a:8443", False),
        ({**FORWARDED_HOST, "x-forwarded-proto": "wss"}, "https://a:8443", True),
        ({"host": "a", "x-forwarded-host": "evil, a"}, "https://a", True),
        ({"host": "a", "x-forwarded-host": "evil, a"}, "https://evil", False),
        ({"host": "a", "x-forwarded-proto": "https"}, "https://a", True),
        ({"host": "a", "x-forwarded-proto": "https"}, "http://a", False),
        ({"host": "inner", "forwarded": "for=x;host=a:8443"}, "https://a:8443", False),
    ],
)
def test_the_own_origin_is_what_a_trusted_proxy_states(
    headers: dict[str, str], page: str, is_own: bool
) -> None:
    behind_proxy = read_origin({**headers, "origin": page}, (f"{PROXY}/32",))

    assert behind_proxy == (OWN_ORIGIN if is_own else page)


@pytest.mark.parametrize("proxies", [(), ("10.0.0.0/8",)])
def test_a_forwarded_host_of_an_untrusted_peer_is_ignored(proxies: tuple[str, ...]) -> None:
    headers = {**FORWARDED_HOST, "x-forwarded-proto": "https"}

    assert read_origin({**headers, "origin": "https://a:8443"}, proxies) == "https://a:8443"
    assert read_origin({**headers, "origin": "http://inner"}, proxies) == OWN_ORIGIN


def test_the_header_of_rfc_7239_states_the_own_origin_if_it_is_set() -> None:
    headers = {
        "host": "inner",
        "forwarded": 'for=192.0.2.9;host=evil, for=192.0.2.7;Host="a:8443";proto=https',
        "x-forwarded-host": "evil",
    }

    def read(page: str) -> str:
        return read_origin({**headers, "origin": page}, (PROXY,), "forwarded")

    assert read("https://a:8443") == OWN_ORIGIN
    assert [read(page) for page in ("http://a:8443", "https://evil", "https://inner")] == [
        "http://a:8443",
        "https://evil",
        "https://inner",
    ]


@pytest.mark.parametrize("allowed_origins", [frozenset[str](), frozenset((APP,))])
def test_only_our_pages_those_of_allowed_origins_and_clients_without_pages_may_connect(
    allowed_origins: frozenset[str],
) -> None:
    for handshake in (
        make_handshake(),
        make_handshake(sec_fetch_site="none"),
        make_handshake(sec_fetch_site="same-origin"),
        make_handshake(origin=f"https://{HOST}"),
        *(make_handshake(origin=origin) for origin in allowed_origins),
    ):
        handshake.check_origin(allowed_origins)
    for foreign in (
        make_handshake(origin="https://evil.example.org"),
        make_handshake(origin="null"),
        make_handshake(origin=f"{APP}:8443"),
        make_handshake(sec_fetch_site="cross-site"),
        *(() if allowed_origins else (make_handshake(origin=APP),)),
    ):
        with pytest.raises(ForeignOrigin, match="TIDINGS_ALLOWED_ORIGINS"):
            foreign.check_origin(allowed_origins)


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "app.example.org",
        "https://app.example.org/",
        "https://App.example.org",
        "https://a b",
        "null",
    ],
)
def test_an_origin_that_no_browser_sends_is_an_invalid_setting(wrong: str) -> None:
    with pytest.raises(
        InvalidSettings,
        match=r"TIDINGS_ALLOWED_ORIGINS: .* is not an origin; give it as browsers send it",
    ):
        _ = Settings(allowed_origins=f"{APP}, {wrong}").origins


PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", ", ".join(["198.51.100.1"] * 1000), "198.51.100.1"),
        ("2001:db8::1", "[2001:470:1:2:3::9]:80", "2001:470:1:2::/64"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("2001:470:1:2:3::9", None, "2001:470:1:2::/64"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_address_of_a_client_is_taken_from_trusted_proxies_only(
    peer: str, forwarded_for: str | None, expected: str
) -> None:
    x_forwarded_for = {"x-forwarded-for": forwarded_for} if forwarded_for else {}
    rfc7239 = (
        {
            "forwarded": ", ".join(
                f'proto=https;for="{hop.strip()}"' for hop in forwarded_for.split(",")
            )
        }
        if forwarded_for
        else {}
    )

    assert address_of(peer, x_forwarded_for, PROXIES, "x-forwarded-for") == expected
    assert address_of(peer, rfc7239, PROXIES, "forwarded") == expected
    assert address_of(peer, {**x_forwarded_for, **rfc7239}, (), "forwarded") == address_of(
        peer, {}, (), "forwarded"
    )
    assert address_of(peer, x_forwarded_for, PROXIES, "forwarded") == address_of(
        peer, {}, (), "forwarded"
    )


def test_trusted_proxies_are_parsed_as_networks() -> None:
    assert Settings(trusted_proxies="10.0.0.7, 10.1.0.0/16").proxies == (
        ip_network("10.0.0.7/32"),
        ip_network("10.1.0.0/16"),
    )
    with pytest.raises(
        InvalidSettings,
        match=r"TIDINGS_TRUSTED_PROXIES: `proxy` is not a network; give addresses such as 10.0.0.7",
    ):
        _ = Settings(trusted_proxies="proxy").proxies
