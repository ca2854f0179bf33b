"""Origins: which page sends a request (RFC 6454)."""

from __future__ import annotations

from collections.abc import Mapping

OWN_ORIGIN = "own"
CROSS_SITE = "cross-site"
PORTS = {"http": "80", "https": "443"}


def origin_of(headers: Mapping[str, str]) -> str:
    """Return the origin of a request: `own` for our own host's pages and for clients without pages.

    A browser omits `Origin` when a page requests its own host, and when a page only embeds a
    resource; `Sec-Fetch-Site` (W3C Fetch Metadata), which no page can forge, tells the two apart.
    """
    origin = headers.get("origin")
    if origin is None:
        return (
            OWN_ORIGIN
            if headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
            else CROSS_SITE
        )
    scheme, _, authority = origin.lower().partition("://")
    own = headers.get("host", "").lower()
    return (
        OWN_ORIGIN
        if own and _with_port(scheme, authority) == _with_port(scheme, own)
        else origin.lower()
    )


def states_its_origin(headers: Mapping[str, str]) -> bool:
    """Whether the browser states which page sends a request; else a cookie proves no intent."""
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"


def _with_port(scheme: str, authority: str) -> str:
    return (
        authority if ":" in authority.rpartition("]")[2] else f"{authority}:{PORTS.get(scheme, '')}"
    )
