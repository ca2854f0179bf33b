"""Credentials: where a token may stand, which page may send it, and where a client is."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from tidings.runtime.address import address_of
from tidings.runtime.auth import ForeignOrigin, NoToken, Unauthorised
from tidings.runtime.credential import Arrival, Ticket, Token
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.origin import CROSS_SITE, OWN, origin_of
from tidings.runtime.settings import Settings

HOST = "push.example.org"
APP = "https://app.example.org"
COOKIE = "tidings_token=abc.def.ghi"


def arrival(query: str = "", subprotocols: tuple[str, ...] = (), **headers: str) -> Arrival:
    """A request to our host; `_` in the name of a header is a dash."""
    given = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Arrival.of(
        {
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "query_string": query.encode(),
            "subprotocols": subprotocols,
            "client": ("192.0.2.1", 4711),
        }
    )


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (arrival(), None),
        (arrival(authorization="Bearer abc"), Token("abc")),
        (arrival(authorization="bearer abc"), Token("abc")),
        (arrival(subprotocols=("tidings.v1", "bearer.abc.def")), Token("abc.def")),
        (arrival(subprotocols=("tidings.v1",)), None),
        (arrival("cursor=1&ticket=abc"), Ticket("abc")),
        (arrival("ticket="), Ticket("")),
        (arrival("ticket=abc", authorization="Bearer def"), Token("def")),
        (arrival(authorization="Basic YTpi"), NoToken),
        (arrival(authorization=""), NoToken),
        (arrival("token=abc"), NoToken),
        (arrival("token=", authorization="Bearer abc"), NoToken),
        (arrival(cookie=COOKIE, origin=APP), Token("abc.def.ghi")),
        (arrival(cookie=f"a=b; {COOKIE} ; c", origin=APP), Token("abc.def.ghi")),
        (arrival(cookie="tidings_token=first; tidings_token=second", origin=APP), Token("first")),
        (arrival(cookie=COOKIE, origin=f"https://{HOST}"), Token("abc.def.ghi")),
        (arrival(cookie=COOKIE, origin=f"https://{HOST}:443"), Token("abc.def.ghi")),
        (arrival(cookie=COOKIE, sec_fetch_site="same-origin"), Token("abc.def.ghi")),
        (arrival(cookie="other=abc", origin="https://evil.example.org"), None),
        (arrival(cookie="tidings_token=", origin="https://evil.example.org"), None),
        (arrival(cookie=COOKIE), ForeignOrigin),
        (arrival(cookie=COOKIE, sec_fetch_site="none"), ForeignOrigin),
        (arrival(cookie=COOKIE, sec_fetch_site="cross-site"), ForeignOrigin),
        (arrival(cookie=COOKIE, sec_fetch_site="same-site"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin="null"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin=""), ForeignOrigin),
        (arrival(cookie=COOKIE, origin="https://evil.example.org"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin=f"https://{HOST}.evil.org"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin=f"https://{HOST}:444"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin=f"{APP}.evil.org"), ForeignOrigin),
        (arrival(cookie=COOKIE, origin=APP.replace("https", "http")), ForeignOrigin),
    ],
)
def test_a_credential_is_found_where_it_may_stand(
    shown: Arrival, found: Token | Ticket | type[Unauthorised] | None
) -> None:
    if isinstance(found, type):
        with pytest.raises(found) as refused:
            shown.credential("tidings_token", frozenset((APP,)))
        assert "abc" not in str(refused.value)
    else:
        assert shown.credential("tidings_token", frozenset((APP,))) == found


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "a:8000"}, OWN),
        ({"host": "a:8000", "origin": "http://a:8000"}, OWN),
        ({"host": "A", "origin": "HTTPS://a"}, OWN),
        ({"host": "[::1]:80", "origin": "http://[::1]"}, OWN),
        ({"host": "a:8000", "origin": "http://a"}, "http://a"),
        ({"origin": "http://a"}, "http://a"),
        ({"host": "a", "sec-fetch-site": "cross-site"}, CROSS_SITE),
        ({"host": "a", "origin": "null"}, "null"),
    ],
)
def test_the_origin_of_a_request_is_that_of_its_page(headers: dict[str, str], origin: str) -> None:
    assert origin_of(headers) == origin


def test_with_a_list_of_origins_no_other_may_connect_and_without_one_any_may() -> None:
    listed = frozenset((APP,))

    for welcome in (arrival(), arrival(origin=APP), arrival(origin=f"https://{HOST}")):
        welcome.check_origin(listed)
    for foreign in ("https://evil.example.org", "null", f"{APP}:8443"):
        with pytest.raises(ForeignOrigin):
            arrival(origin=foreign).check_origin(listed)
        arrival(origin=foreign).check_origin(frozenset())


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
def test_an_origin_that_no_browser_sends_is_no_setting(wrong: str) -> None:
    with pytest.raises(
        InvalidSettings, match=r"TIDINGS_ALLOWED_ORIGINS: .* is no origin; give them as browsers do"
    ):
        _ = Settings(allowed_origins=f"{APP}, {wrong}").origins


PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "told", "found"),
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
def test_a_client_is_where_trusted_proxies_say_and_nowhere_else(
    peer: str, told: str | None, found: str
) -> None:
    forwarded = {"x-forwarded-for": told} if told else {}
    rfc7239 = (
        {"forwarded": ", ".join(f'proto=https;for="{hop.strip()}"' for hop in told.split(","))}
        if told
        else {}
    )

    assert address_of(peer, forwarded, PROXIES, "x-forwarded-for") == found
    assert address_of(peer, rfc7239, PROXIES, "forwarded") == found
    assert address_of(peer, {**forwarded, **rfc7239}, (), "forwarded") == address_of(
        peer, {}, (), "forwarded"
    )
    assert address_of(peer, forwarded, PROXIES, "forwarded") == address_of(
        peer, {}, (), "forwarded"
    )


def test_trusted_proxies_are_networks() -> None:
    assert Settings(trusted_proxies="10.0.0.7, 10.1.0.0/16").proxies == (
        ip_network("10.0.0.7/32"),
        ip_network("10.1.0.0/16"),
    )
    with pytest.raises(
        InvalidSettings,
        match=r"TIDINGS_TRUSTED_PROXIES: `proxy` is no network; give addresses such as 10.0.0.7",
    ):
        _ = Settings(trusted_proxies="proxy").proxies
