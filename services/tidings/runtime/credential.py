"""Credentials: where in a request the token or the ticket stands that says who is asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tidings.runtime.auth import WHERE, ForeignOrigin, NoToken, bearer
from tidings.runtime.origin import OWN, origin_of, vouched

SUBPROTOCOL = "tidings.v1"
BEARER = "bearer."
QUERY_FIELDS_LIMIT = 1000
NOT_IN_QUERY = "the token does not go into the address, where logs keep it; `Authorization: Bearer`, an auth frame, or ?ticket="


class Token(NamedTuple):
    """A token as it was sent."""

    token: str


class Ticket(NamedTuple):
    """A single-use ticket as it was sent."""

    ticket: str


class Arrival(NamedTuple):
    """What a request says about itself: its headers in lower case, its query, the subprotocols that a WebSocket offers."""

    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    subprotocols: Sequence[str]
    peer: str

    @classmethod
    def of(cls, scope: Any) -> Arrival:
        """The arrival of an ASGI scope."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = _query(scope["query_string"].decode("latin-1"))
        return cls(
            headers, query, scope.get("subprotocols") or (), (scope.get("client") or ("", 0))[0]
        )

    @property
    def origin(self) -> str:
        """Whose page sends it."""
        return origin_of(self.headers)

    def first(self, name: str) -> str | None:
        """A field of the query."""
        return self.query.get(name, [None])[0]

    def check_origin(self, allowed: frozenset[str]) -> None:
        """Raise ForeignOrigin if there is a list of origins, and this is none of them nor our own."""
        if allowed and self.origin != OWN and self.origin not in allowed:
            raise ForeignOrigin("pages of this origin may not connect here")

    def credential(
        self, cookie: str, allowed: frozenset[str], *, in_query: bool = False
    ) -> Token | Ticket | None:
        """What it says who is asking by, None if nothing; raises NoToken, or ForeignOrigin for a cookie of another's page.

        A token in the address counts only where clients are known that can do no better (`in_query`).
        """
        if "token" in self.query:
            return self._in_query(in_query)
        if (authorization := self.headers.get("authorization")) is not None:
            return Token(bearer(authorization))
        for offered in self.subprotocols:
            if offered.startswith(BEARER):
                return Token(offered.removeprefix(BEARER))
        if (ticket := self.first("ticket")) is not None:
            return Ticket(ticket)
        return self._cookie(cookie, allowed)

    def _in_query(self, allowed: bool) -> Token:
        if not allowed:
            raise NoToken(NOT_IN_QUERY)
        if token := self.first("token"):
            return Token(token)
        raise NoToken(WHERE)

    def _cookie(self, name: str, allowed: frozenset[str]) -> Token | None:
        token = _cookies(self.headers.get("cookie", "")).get(name)
        if not token:
            return None
        if not vouched(self.headers) or (self.origin != OWN and self.origin not in allowed):
            raise ForeignOrigin(
                "a cookie counts only on requests of pages whose `Origin` is known here"
            )
        return Token(token)


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
    """The cookies of a request (RFC 6265, section 4.2.1); of two with one name the first, which is the narrower one."""
    pairs = [each.partition("=") for each in header.split(";")]
    return {name.strip(): value.strip().strip('"') for name, _, value in reversed(pairs)}
