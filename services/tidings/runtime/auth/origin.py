"""Origins (RFC 6454): that of the page that sends a request, and our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidings.runtime.client_address import forwarded_fields, is_from_proxy
from tidings.runtime.setting_values import Network

OWN_ORIGIN = "own"
CROSS_SITE = "cross-site"
PORTS = {"http": "80", "https": "443"}


class OwnOrigin(NamedTuple):
    """Our own origin as the browser sees it; a scheme of None is unknown, and any one fits.

    Only a scope of ASGI without a scheme, which no server makes, leaves it unknown.
    """

    scheme: str | None
    authority: str

    def is_origin(self, origin: str) -> bool:
        """Return whether an `Origin`, in lower case, is this one."""
        scheme, _, authority = origin.partition("://")
        return (
            bool(self.authority)
            and self.scheme in (None, scheme)
            and _with_port(scheme, authority) == _with_port(scheme, self.authority)
        )


def own_origin(
    peer: str,
    headers: Mapping[str, str],
    proxies: Sequence[Network],
    header: str,
    scheme: str | None = None,
) -> OwnOrigin:
    """Return our own origin: the one that a trusted proxy states, else `scheme` and `Host`.

    `header` is `x-forwarded-for`, for `X-Forwarded-Host` and `X-Forwarded-Proto`, or `forwarded`.
    Of several values the last counts, which the nearest proxy wrote. `scheme` is that of the
    connection: a proxy that ends the TLS must be trusted and state it, because a page that came
    without TLS may be forged.
    """
    host = headers.get("host", "")
    if is_from_proxy(peer, proxies):
        if header == "forwarded":
            fields = forwarded_fields(headers.get(header, "").rpartition(",")[2])
            stated_host, stated_scheme = fields.get("host"), fields.get("proto")
        else:
            stated_host = _last(headers.get("x-forwarded-host"))
            stated_scheme = _last(headers.get("x-forwarded-proto"))
        host, scheme = stated_host or host, stated_scheme or scheme
    return OwnOrigin(_http_scheme(scheme), host.lower())


def origin_of(headers: Mapping[str, str], own: OwnOrigin) -> str:
    """Return the origin of a request: `own` for our own pages and for clients without pages.

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
    return OWN_ORIGIN if own.is_origin(origin.lower()) else origin.lower()


def states_its_origin(headers: Mapping[str, str]) -> bool:
    """Whether the browser states which page sends a request; else a cookie proves no intent."""
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"


def _last(value: str | None) -> str:
    return (value or "").rpartition(",")[2].strip()


def _http_scheme(scheme: str | None) -> str | None:
    """Return the scheme of a page; a proxy may state `ws` for a WebSocket."""
    lower = scheme and scheme.lower()
    return {"ws": "http", "wss": "https"}.get(lower or "", lower)


def _with_port(scheme: str, authority: str) -> str:
    return (
        authority if ":" in authority.rpartition("]")[2] else f"{authority}:{PORTS.get(scheme, '')}"
    )
