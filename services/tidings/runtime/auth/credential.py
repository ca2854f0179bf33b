"""Credentials: find the token or the ticket of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tidings.runtime.auth.identity import TOKEN_HINT, ForeignOrigin, NoToken, bearer_token
from tidings.runtime.auth.origin import OWN_ORIGIN, origin_of, states_its_origin

SUBPROTOCOL = "tidings.v1"
BEARER_PREFIX = "bearer."
QUERY_FIELDS_LIMIT = 1000
NOT_IN_QUERY = (
    "a token is not accepted in the address, because logs keep addresses; send"
    " `Authorization: Bearer`, an auth frame, or ?ticket="
)


class TokenCredential(NamedTuple):
    """A token as the client sent it."""

    token: str


class TicketCredential(NamedTuple):
    """A single-use ticket as the client sent it."""

    ticket: str


class HandshakeInfo(NamedTuple):
    """Headers (lower case), query, offered WebSocket subprotocols and peer of a request."""

    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    subprotocols: Sequence[str]
    peer: str

    @classmethod
    def from_scope(cls, scope: Any) -> HandshakeInfo:
        """Return the handshake of an ASGI scope."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = _query(scope["query_string"].decode("latin-1"))
        return cls(
            headers, query, scope.get("subprotocols") or (), (scope.get("client") or ("", 0))[0]
        )

    @property
    def origin(self) -> str:
        """The origin of the page that sends it, see `origin_of`."""
        return origin_of(self.headers)

    def query_value(self, name: str) -> str | None:
        """Return the first value of a query field, None if absent."""
        return self.query.get(name, [None])[0]

    def check_origin(self, allowed: frozenset[str]) -> None:
        """Raise ForeignOrigin if origins are restricted and this is neither allowed nor ours."""
        if allowed and self.origin != OWN_ORIGIN and self.origin not in allowed:
            raise ForeignOrigin("pages of this origin may not connect here")

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
            return TicketCredential(ticket)
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
        if not states_its_origin(self.headers) or (
            self.origin != OWN_ORIGIN and self.origin not in allowed
        ):
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
