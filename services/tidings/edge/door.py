"""The door: what a connection must pass before it may speak: its origin, its credential, and the limits of where it comes from."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress

from tidings.contracts.subjects import Person, partition_of
from tidings.runtime.access import Access
from tidings.runtime.auth import Identity, NoToken
from tidings.runtime.credential import SUBPROTOCOL, Arrival, Ticket, Token
from tidings.runtime.problem import Problem
from tidings.runtime.process import Runtime
from tidings.runtime.rate import Bucket, Buckets, rate_of
from tidings.runtime.tickets import Tickets

SCOPE = "inbox"


class Crowded(Exception):
    """There are too many connections from one address, or from nobody in particular."""


class Door:
    """Where all connections of an edge come in."""

    def __init__(self, runtime: Runtime, access: Access) -> None:
        settings = runtime.settings
        self.access = access
        self.tickets = Tickets(runtime.jetstream, settings.ticket_key, settings.ticket_seconds)
        self._connects: Buckets[tuple[str, Person]] | None = access.buckets("connect", "connects")
        self._frames = rate_of("frames", settings.rate("frame"))
        self._limit = settings.connections_per_address
        self._here: Counter[str] = Counter()
        self._served, self._partitions = settings.served, settings.partitions
        self._waiting, self._waiting_limit = 0, settings.connections_limit

    def check(self, arrival: Arrival) -> None:
        """Raise ForeignOrigin if the page that sends this may not connect, or not by its cookie."""
        arrival.check_origin(self.access.origins)
        with suppress(NoToken):
            self.access.credential(arrival)

    def subprotocol(self, arrival: Arrival) -> str | None:
        """The subprotocol to answer a WebSocket with; never the one that holds a token."""
        return SUBPROTOCOL if SUBPROTOCOL in arrival.subprotocols else None

    async def identify(self, arrival: Arrival, *, in_query: bool = False) -> Identity | None:
        """Who is asking, None if it does not say; raises Unauthorised or Unavailable."""
        match self.access.credential(arrival, in_query=in_query):
            case Token() as shown:
                return await self.identify_by(shown.token)
            case Ticket() as shown:
                return self.access.current(
                    await self.tickets.redeem(shown.ticket, arrival.origin)
                ).need(SCOPE)
            case None:
                return None

    async def identify_by(self, token: str) -> Identity:
        """Whom a token speaks for; raises Unauthorised or Unavailable."""
        return (await self.access.identify(token)).need(SCOPE)

    def enter(self, arrival: Arrival) -> str | None:
        """Take a place among the connections of an address, to be given back by `leave`; raises Crowded."""
        if self._limit is None:
            return None
        address = self.access.address(arrival)
        if self._here[address] >= self._limit:
            raise Crowded(f"at most {self._limit} connections from one address")
        self._here[address] += 1
        return address

    @contextmanager
    def waiting(self) -> Generator[None]:
        """A place among those who have not said yet who they are; raises Crowded."""
        if self._waiting >= self._waiting_limit:
            raise Crowded(f"{self._waiting_limit} connections have not said yet who they are")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def leave(self, place: str | None) -> None:
        """Give a place back."""
        if place is not None:
            self._here[place] -= 1
            if not self._here[place]:
                del self._here[place]

    def knock(self, arrival: Arrival, identity: Identity) -> None:
        """Count an attempt to connect; raises Throttled, or Problem if another edge serves this person."""
        self.serve(identity)
        if self._connects is not None:
            self._connects.take(
                (self.access.address(arrival), identity.person), time.monotonic()
            ).check()

    def serve(self, identity: Identity) -> Identity:
        """Itself, if this edge serves this person; raises Problem (RFC 9110, section 15.5.20)."""
        number = partition_of(identity.person, self._partitions)
        if self._served is not None and number not in self._served:
            words = (
                f"another edge serves this person; come back with partition={number} in the address"
            )
            raise Problem(421, "misdirected", words, partition=number)
        return identity

    def frames(self) -> Bucket | None:
        """What one connection may send."""
        return Bucket(self._frames) if self._frames else None
