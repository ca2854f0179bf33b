"""Access: who may come in, by any of the credentials that are taken, for as long as they are not revoked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.contracts.codec import InvalidEvent, recorded
from tidings.contracts.events import SessionRevoked
from tidings.contracts.subjects import EVENTS, SESSIONS_REVOKED, Person
from tidings.runtime.address import address_of
from tidings.runtime.auth import WHERE, Identity, InvalidToken, NoToken
from tidings.runtime.credential import Arrival, Ticket, Token
from tidings.runtime.errors import LogLost, Unavailable
from tidings.runtime.follow import Message, follow, state
from tidings.runtime.keyset import KeySet
from tidings.runtime.process import Runtime, persist
from tidings.runtime.rate import Buckets, rate_of
from tidings.runtime.read import first_since, last
from tidings.runtime.revocation import Revocations
from tidings.runtime.tokens import Tokens

REVOKED = "the session has been revoked; sign in again"
RATE = "rate"
"""Where in a request's state its standing is kept for the headers of the answer."""
CLOCK_SECONDS = 60
"""By how much our clock and that of NATS may differ."""


class Access:
    """What edge and gateway ask who is asking. Alive while `run` runs; knows all revocations once `caught_up`."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self._runtime = runtime
        self._keys = KeySet(settings, settings.jwks_url) if settings.jwks_url else None
        self._tokens = Tokens(settings, self._keys)
        self._cookie = settings.token_cookie
        self._proxies, self._forwarded = settings.proxies, settings.forwarded_header
        self.origins = frozenset(settings.origins)
        self.revocations = Revocations(settings.token_lifetime_limit_seconds)
        self.caught_up = asyncio.Event()
        self.revoked: Callable[[Person], None] = lambda _: None

    async def sender(self, scope: Any) -> Identity:
        """Who sends an HTTP request; raises Unauthorised or Unavailable."""
        match self.credential(Arrival.of(scope)):
            case Token() as shown:
                return await self.identify(shown.token)
            case Ticket():
                raise NoToken(f"a ticket opens /v1/socket and /v1/stream only; {WHERE}")
            case None:
                raise NoToken(WHERE)

    async def admit(self, scope: Any, rate: Buckets[Person] | None, *need: str) -> Identity:
        """The same, if they may do what it needs (any of these scopes), and not too often; raises MissingClaims or Throttled too."""
        identity = (await self.sender(scope)).need(*need)
        if rate is not None:
            standing = scope["state"][RATE] = rate.take(identity.person, time.monotonic())
            standing.check()
        return identity

    async def identify(self, token: str) -> Identity:
        """Who a token speaks for; raises InvalidToken, MissingClaims or Unavailable."""
        return self.current(await self._tokens.identity(token))

    def current(self, identity: Identity) -> Identity:
        """Itself, if it has not been revoked; raises InvalidToken."""
        if self.revocations.concern(identity):
            raise InvalidToken(REVOKED)
        return identity

    def credential(self, arrival: Arrival, *, in_query: bool = False) -> Token | Ticket | None:
        """What a connection says who it is by, in its address only if that is allowed here; raises NoToken or ForeignOrigin."""
        return arrival.credential(self._cookie, self.origins, in_query=in_query)

    def address(self, arrival: Arrival) -> str:
        """What stands for the client in limits by address."""
        return address_of(arrival.peer, arrival.headers, self._proxies, self._forwarded)

    def buckets(self, name: str, limited: str) -> Buckets[Any] | None:
        """Buckets for what the settings limit, None if they do not."""
        rate = rate_of(limited, self._runtime.settings.rate(name))
        return Buckets(rate) if rate else None

    async def run(self) -> None:
        """Follow the revocations, and keep the issuer's keys young, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(persist("revocations", self._follow))
            if self._keys:
                group.create_task(self._keys.run())

    async def _follow(self) -> None:
        """From the first revocation that may matter; should the log be another one, what is known stays and that one is followed."""
        try:
            found = await state(self._runtime.jetstream, EVENTS)
            newest = await last(self._runtime.jetstream, EVENTS, SESSIONS_REVOKED)
            after = await self._before_first(found.last) if newest else found.last
            await self._follow_after(after, found.epoch, newest.sequence if newest else 0)
        except LogLost as lost:
            raise Unavailable(str(lost)) from None

    async def _before_first(self, head: int) -> int:
        """Where to begin so as to miss no revocation that a living token may be concerned by; `head` is that of before anybody looked."""
        oldest = datetime.now(UTC) - timedelta(
            seconds=self._runtime.settings.token_lifetime_limit_seconds + CLOCK_SECONDS
        )
        first = await first_since(self._runtime.jetstream, EVENTS, SESSIONS_REVOKED, oldest)
        return first - 1 if first else head

    async def _follow_after(self, reached: int, epoch: str, target: int) -> None:
        batches = follow(
            self._runtime.jetstream, EVENTS, (SESSIONS_REVOKED,), after=reached, epoch=epoch
        )
        async with aclosing(batches):
            while True:
                if reached >= target:
                    self.caught_up.set()
                for message in (batch := await anext(batches)):
                    self._take(message)
                reached = batch[-1].sequence if batch else reached

    def _take(self, message: Message) -> None:
        try:
            found = recorded(message.data, message.sequence, message.time_nanoseconds)
        except InvalidEvent:
            return
        if isinstance(event := found.event, SessionRevoked):
            person = Person(found.tenant, event.user_id)
            self.revocations.add(person, event.session_id, message.time_nanoseconds / 1e9)
            self.revoked(person)
