"""Credentials: find the token or the ticket of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tidings.runtime.auth.identity import TOKEN_HINT, ForeignOrigin, NoToken, bearer_token
from tidings.runtime.auth.origin import (
    OWN_ORIGIN,
    OwnOrigin,
    origin_of,
    own_origin,
    states_its_origin,
)
from tidings.runtime.client_address import peer_of
from tidings.runtime.setting_values import Network

SUBPROTOCOL = "tidings.v1"
BEARER_PREFIX = "bearer."
PROOF_SEPARATOR = "~"
"""Stands between the cursor and the proof in the ids of a stream that a ticket opened."""
QUERY_FIELDS_LIMIT = 1000
NOT_IN_QUERY = (
    "a token is not accepted in the address, because logs keep addresses; send"
    " `Authorization: Bearer`, an auth frame, or ?ticket="
)


class TokenCredential(NamedTuple):
    """A token as the client sent it."""

    token: str


class TicketCredential(NamedTuple):
    """A single-use ticket as the client sent it.

    `proof` is that of an event stream which the ticket opened before, None without one.
    """

    ticket: str
    proof: str | None = None


class HandshakeInfo(NamedTuple):
    """Headers (lower case), query, offered WebSocket subprotocols and peer of a request.

    `own` is our origin as the browser sees it.
    """

    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    subprotocols: Sequence[str]
    peer: str
    own: OwnOrigin = OwnOrigin(None, "")

    @classmethod
    def from_scope(
        cls, scope: Any, proxies: Sequence[Network] = (), forwarded_header: str = ""
    ) -> HandshakeInfo:
        """Return the handshake of an ASGI scope; `own_origin` explains the other parameters."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = _query(scope["query_string"].decode("latin-1"))
        peer = peer_of(scope)
        own = own_origin(peer, headers, proxies, forwarded_header, scope.get("scheme"))
        return cls(headers, query, scope.get("subprotocols") or (), peer, own)

    @property
    def origin(self) -> str:
        """The origin of the page that sends it, see `origin_of`."""
        return origin_of(self.headers, self.own)

    def query_value(self, name: str) -> str | None:
        """Return the first value of a query field, None if absent."""
        return self.query.get(name, [None])[0]

    @property
    def last_event_id(self) -> str | None:
        """The cursor in `Last-Event-ID`, None without one."""
        return self._last_event[0]

    @property
    def _last_event(self) -> tuple[str | None, str | None]:
        """The cursor and the proof in `Last-Event-ID`."""
        cursor, _, proof = self.headers.get("last-event-id", "").partition(PROOF_SEPARATOR)
        return cursor or None, proof or None

    def check_origin(self, allowed: frozenset[str]) -> None:
        """Raise ForeignOrigin if a page sends it whose origin is neither allowed nor ours."""
        if not self._is_admitted(allowed):
            raise ForeignOrigin(
                "pages of this origin may not connect here; TIDINGS_ALLOWED_ORIGINS admits them;"
                " behind a proxy, TIDINGS_TRUSTED_PROXIES lets it state our scheme and host"
            )

    def _is_admitted(self, allowed: frozenset[str]) -> bool:
        return self.origin == OWN_ORIGIN or self.origin in allowed

    def states_credential(self, cookie: str) -> bool:
        """Return whether there is anything that claims to be a token or a ticket of ours."""
        return (
            "authorization" in self.headers
            or "ticket" in self.query
            or any(offered.startswith(BEARER_PREFIX) for offered in self.subprotocols)
            or cookie in _cookies(self.headers.get("cookie", ""))
        )

    def credential(
        self, cookie: str, allowed: frozenset[str], *, in_query: bool = False
    ) -> TokenCredential | TicketCredential | None:
        """Return the token or ticket, None if there is none.

        Raises NoToken for a token in the query unless `in_query`, which only dialects set whose
        clients cannot do better, and ForeignOrigin for a cookie that a foreign page sends.
        """
        if "token" in self.query:
            return self._in_query(in_query)
        if (authorization := self.headers.get("authorization")) is not None:
            return TokenCredential(bearer_token(authorization))
        for offered in self.subprotocols:
            if offered.startswith(BEARER_PREFIX):
                return TokenCredential(offered.removeprefix(BEARER_PREFIX))
        if (ticket := self.query_value("ticket")) is not None:
            return TicketCredential(ticket, self._last_event[1])
        return self._cookie(cookie, allowed)

    def _in_query(self, allowed: bool) -> TokenCredential:
        if not allowed:
            raise NoToken(NOT_IN_QUERY)
        if token := self.query_value("token"):
            return TokenCredential(token)
        raise NoToken(TOKEN_HINT)

    def _cookie(self, name: str, allowed: frozenset[str]) -> TokenCredential | None:
        token = _cookies(self.headers.get("cookie", "")).get(name)
        if not token:
            return None
        if not states_its_origin(self.headers) or not self._is_admitted(allowed):
            # A browser attaches cookies to requests of any page: the origin is what proves intent.
            raise ForeignOrigin(
                "a cookie is accepted only from pages whose `Origin` is allowed here"
            )
        return TokenCredential(token)


def _query(text: str) -> dict[str, list[str]]:
    try:
        return (
            parse_qs(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_LIMIT)
            if text
            else {}
        )
    except ValueError:
        return {}


def _cookies(header: str) -> dict[str, str]:
    """Return the cookies of a request (RFC 6265, section 4.2.1).

    Of two with one name the first wins: browsers send the one with the longer path first.
    """
    pairs = [pair.partition("=") for pair in header.split(";")]
    return {name.strip(): value.strip().strip('"') for name, _, value in reversed(pairs)}
