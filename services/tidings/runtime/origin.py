"""Origins: whose page sends a request (RFC 6454), and whether it may."""

from __future__ import annotations

from collections.abc import Mapping

OWN = "own"
CROSS_SITE = "cross-site"
PORTS = {"http": "80", "https": "443"}


def origin_of(headers: Mapping[str, str]) -> str:
    """The origin of a request: `own` for a page of our own host and for whoever is no page, else as the browser states it.

    A browser leaves `Origin` out where a page asks its own host, and where it only embeds something; then `Sec-Fetch-Site`
    (W3C Fetch Metadata) tells which, and no page can forge that.
    """
    origin = headers.get("origin")
    if origin is None:
        return (
            OWN
            if headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
            else CROSS_SITE
        )
    scheme, _, authority = origin.lower().partition("://")
    own = headers.get("host", "").lower()
    return (
        OWN if own and _with_port(scheme, authority) == _with_port(scheme, own) else origin.lower()
    )


def vouched(headers: Mapping[str, str]) -> bool:
    """Whether the browser says which page sends a request; without that a cookie proves nothing."""
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"


def _with_port(scheme: str, authority: str) -> str:
    return (
        authority if ":" in authority.rpartition("]")[2] else f"{authority}:{PORTS.get(scheme, '')}"
    )
