"""The gate: checks a connection's origin, credential, rate and slots before it is admitted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from tidings.contracts.subjects import Person
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.credential import (
    PROOF_SEPARATOR,
    SUBPROTOCOL,
    HandshakeInfo,
    TicketCredential,
    TokenCredential,
)
from tidings.runtime.auth.identity import Identity, InvalidToken, NoToken
from tidings.runtime.auth.tickets import Tickets
from tidings.runtime.http.connections.peers import decrement
from tidings.runtime.http.guards import INBOX_SCOPE
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import Buckets
from tidings.runtime.process import Runtime


class TooManyConnections(Exception):
    """There are too many connections from one address, or too many unauthenticated ones."""


class ConnectionGate:
    """The checks that all connections of an edge pass; counts slots and rates across them."""

    def __init__(self, runtime: Runtime, access: Access) -> None:
        settings = runtime.settings
        self._access = access
        self._tickets = Tickets(runtime.jetstream, settings.ticket_key, settings.ticket_ttl_seconds)
        access.is_genuine_ticket = self._tickets.is_genuine
        self.ticket_ttl_seconds = settings.ticket_ttl_seconds
        self._connect_buckets: Buckets[tuple[str, Person]] | None = access.shared_buckets("connect")
        self._frame_buckets: Buckets[Person] | None = access.shared_buckets("frame")
        self._address_limit = settings.connections_per_address or None
        self._connections_by_address: Counter[str] = Counter()
        self._served, self._subjects = settings.edge_partition_numbers, settings.subjects
        self._unauthenticated_by_address: Counter[str] = Counter()
        self._unauthenticated = 0
        self._unauthenticated_limit = settings.connections_limit
        self._unauthenticated_per_address = settings.unauthenticated_per_address

    def handshake_of(self, scope: Any) -> HandshakeInfo:
        """Return the handshake of an ASGI scope."""
        return self._access.handshake_of(scope)

    def check_origin(self, handshake: HandshakeInfo) -> None:
        """Raise ForeignOrigin if the page may not connect, or not with the cookie that it sends."""
        handshake.check_origin(self._access.origins)
        with suppress(NoToken):  # refused later, by `identify`
            self._access.credential_of(handshake)

    def accepted_subprotocol(self, handshake: HandshakeInfo) -> str | None:
        """Return the subprotocol to accept, None without one; never the one with the token."""
        return SUBPROTOCOL if SUBPROTOCOL in handshake.subprotocols else None

    async def identify(
        self, handshake: HandshakeInfo, *, in_query: bool = False, dialect: str | None = None
    ) -> Identity | None:
        """Return the identity of the client, None without a credential.

        `dialect` is that of the path. Raises Unauthorised or Unavailable.
        """
        match self._access.credential_of(handshake, in_query=in_query):
            case TokenCredential() as credential:
                return await self.identify_token(credential.token, dialect)
            case TicketCredential() as credential:
                return self._access.require_unrevoked(
                    await self._redeem_ticket(credential, handshake.origin)
                ).require_scope(INBOX_SCOPE)
            case None:
                return None

    async def identify_token(self, token: str, dialect: str | None = None) -> Identity:
        """Return the identity that a token proves; raises Unauthorised or Unavailable."""
        identity = (await self._access.identify_token(token, dialect)).require_scope(INBOX_SCOPE)
        if identity.expires_at <= time.time():
            # The leeway accepts it, but the connection would end at once; a front end that resets
            # its attempts when it is accepted would then reconnect without end.
            raise InvalidToken("the token is not valid: it has expired")
        return identity

    async def _redeem_ticket(self, credential: TicketCredential, origin: str) -> Identity:
        if credential.proof:
            return self._tickets.renew_ticket(credential.ticket, origin, credential.proof)
        return await self._tickets.redeem_ticket(credential.ticket, origin)

    def event_id_suffix(self, handshake: HandshakeInfo) -> str:
        """Return what the ids of an admitted client's stream have after the cursor.

        With it, an EventSource that was opened by a ticket returns by itself.
        """
        match self._access.credential_of(handshake):
            case TicketCredential() as credential:
                return PROOF_SEPARATOR + self._tickets.proof_of(credential.ticket)
            case _:
                return ""

    def issue_ticket(self, handshake: HandshakeInfo, identity: Identity) -> str:
        """Return a ticket for a page of the same origin."""
        return self._tickets.issue_ticket(identity, handshake.origin)

    def acquire_slot(self, handshake: HandshakeInfo) -> str | None:
        """Take a slot of the client's address and return the address; undo with `release_slot`.

        Raises TooManyConnections.
        """
        if self._address_limit is None:
            return None
        address = self._access.client_address(handshake)
        if self._connections_by_address[address] >= self._address_limit:
            raise TooManyConnections(f"at most {self._address_limit} connections from one address")
        self._connections_by_address[address] += 1
        return address

    @contextmanager
    def unauthenticated_slot(self, handshake: HandshakeInfo) -> Generator[None]:
        """Hold a slot of the unauthenticated connections; raises TooManyConnections.

        Each address has a few of its own, so that one cannot take them all.
        """
        address = self._access.client_address(handshake)
        per_address = self._unauthenticated_per_address
        if per_address and self._unauthenticated_by_address[address] >= per_address:
            raise TooManyConnections(
                f"at most {per_address} connections of one address may wait to authenticate"
            )
        if self._unauthenticated >= self._unauthenticated_limit:
            raise TooManyConnections(
                f"at most {self._unauthenticated_limit} connections may wait to authenticate"
            )
        self._unauthenticated += 1
        self._unauthenticated_by_address[address] += 1
        try:
            yield
        finally:
            self._unauthenticated -= 1
            decrement(self._unauthenticated_by_address, address)

    def release_slot(self, address: str | None) -> None:
        """Free the slot of an address; does nothing without one."""
        if address is not None:
            decrement(self._connections_by_address, address)

    def check_connect_rate(self, handshake: HandshakeInfo, identity: Identity) -> None:
        """Count an attempt to connect.

        Raises RateExceeded, or Problem if another edge serves this user.
        """
        self.require_served(identity)
        if self._connect_buckets is not None:
            self._connect_buckets.take_token(
                (self._access.client_address(handshake), identity.person), time.monotonic()
            ).raise_if_exceeded()

    def require_served(self, identity: Identity) -> Identity:
        """Return the identity if this edge serves the user.

        Raises Problem with status 421 (RFC 9110, section 15.5.20) if another edge does.
        """
        number = self._subjects.partition_of(identity.person)
        if self._served is not None and number not in self._served:
            detail = f"another edge serves this user; reconnect with partition={number} in the URL"
            raise Problem(421, "misdirected", detail, partition=number)
        return identity

    def check_frame_rate(self, person: Person) -> None:
        """Count a frame of a user, over all their connections; raises RateExceeded."""
        if self._frame_buckets is not None:
            self._frame_buckets.take_token(person, time.monotonic()).raise_if_exceeded()
