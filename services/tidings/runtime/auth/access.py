"""Access: identify the sender of a request, and refuse revoked sessions and exceeded rates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.subjects import EVENTS, SESSIONS_REVOKED, Person
from tidings.domains.people.events import SessionRevoked
from tidings.runtime.auth.credential import HandshakeInfo, TicketCredential, TokenCredential
from tidings.runtime.auth.emit_rights import EmitRights, emit_rights
from tidings.runtime.auth.identity import (
    TOKEN_HINT,
    Identity,
    InvalidToken,
    MissingClaims,
    NoToken,
    Unauthorised,
)
from tidings.runtime.auth.keyset import KeySet
from tidings.runtime.auth.revocation import Revocations
from tidings.runtime.auth.tokens import Tokens
from tidings.runtime.client_address import address_of, is_from_proxy, peer_of
from tidings.runtime.errors import LogLost, Unavailable
from tidings.runtime.http.connections.client_connection import connection_of
from tidings.runtime.http.connections.strangers import Strangers, set_known
from tidings.runtime.http.rate import Buckets, RateExceeded, rate_of
from tidings.runtime.http.tenant_budget import TenantBudget
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.read import first_sequence_since, last_message
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime, run_forever

SESSION_REVOKED = "the session has been revoked; sign in again"
RATE_STATUS = "rate"
"""Key in a request's state: the sender's rate status, for the headers of the answer."""
CLOCK_SKEW_SECONDS = 60
"""Largest difference that is expected between the clocks of this process and of NATS."""


class Access:
    """Authenticates requests and holds the rate buckets of a process, one set for all its routes.

    `run` keeps it up to date; it knows every revocation once `caught_up` is set.
    """

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self._runtime = runtime
        self._keys = KeySet(settings, settings.jwks_url) if settings.jwks_url else None
        self._tokens = Tokens(settings, self._keys)
        self._cookie = settings.token_cookie
        self.strangers = Strangers(settings.rate("stranger"))
        self._proxies, self._forwarded = settings.proxies, settings.forwarded_header
        self.origins = frozenset(settings.origins)
        self.revocations = Revocations(settings.token_lifetime_limit_seconds)
        self.caught_up = asyncio.Event()
        self.on_revoked: Callable[[Person], None] = lambda _: None
        self.is_genuine_ticket: Callable[[str], bool] = lambda _: False
        """Set by what issues tickets."""
        self._buckets: dict[str, Buckets[Any] | None] = {}
        self._tenant_budget = TenantBudget(
            self.shared_buckets("tenant_event"), self.shared_buckets("tenant_byte")
        )

    def handshake_of(self, scope: Any) -> HandshakeInfo:
        """Return the handshake of an ASGI scope, with our origin as trusted proxies state it."""
        return HandshakeInfo.from_scope(scope, self._proxies, self._forwarded)

    async def identify_sender(self, scope: Any, dialect: str | None = None) -> Identity:
        """Return the sender of an HTTP request; raises Unauthorised or Unavailable.

        `dialect` is that of the request's path, None if it has none or shares it with another.
        """
        handshake = self.handshake_of(scope)
        handshake.check_origin(self.origins)
        match self.credential_of(handshake):
            case TokenCredential() as credential:
                identity = await self.identify_token(credential.token, dialect)
                set_known(scope)
                if connection := connection_of(scope):
                    connection.set_authenticated()
                return identity
            case TicketCredential():
                raise NoToken(f"a ticket opens /v1/socket and /v1/stream only; {TOKEN_HINT}")
            case None:
                raise NoToken(TOKEN_HINT)

    async def authorize_request(
        self,
        scope: Any,
        rate: Buckets[Person] | None,
        *scopes: str,
        dialect: str | None = None,
    ) -> Identity:
        """Identify the sender, require one of the scopes and take a token of the sender's bucket.

        Raises what `identify_sender` raises, MissingClaims, or RateExceeded.
        """
        identity = (await self.identify_sender(scope, dialect)).require_scope(*scopes)
        _take_token(scope, rate, identity)
        return identity

    async def authorize_producer(
        self, scope: Any, rate: Buckets[Person] | None, dialect: str | None = None
    ) -> tuple[Identity, EmitRights]:
        """Identify the sender and return what they may emit; raises as `authorize_request`.

        It charges the sender's tenant for one event.
        """
        identity = await self.identify_sender(scope, dialect)
        rights = emit_rights(identity.scopes)
        if rights is None:
            raise MissingClaims("the token needs the scope `emit`")
        _take_token(scope, rate, identity)
        self.charge_tenant(scope, identity.person.tenant, events=1)
        return identity, rights

    def charge_tenant(self, scope: Any, tenant: str, *, events: int = 0, size: int = 0) -> None:
        """Charge a tenant for what its service emits; raises RateExceeded."""
        if exceeded := self._tenant_budget.charge(tenant, events=events, size=size):
            scope["state"][RATE_STATUS] = exceeded
            raise RateExceeded(exceeded)

    async def identify_token(self, token: str, dialect: str | None = None) -> Identity:
        """Return the identity of a token; raises InvalidToken, MissingClaims or Unavailable.

        `dialect` is that of the path, for the defaults of claims that the token lacks.
        """
        return self.require_unrevoked(await self._tokens.identity(token, dialect))

    def require_unrevoked(self, identity: Identity) -> Identity:
        """Return the identity; raises InvalidToken if its session has been revoked."""
        if self.revocations.is_revoked(identity):
            raise InvalidToken(SESSION_REVOKED)
        return identity

    def credential_of(
        self, handshake: HandshakeInfo, *, in_query: bool = False
    ) -> TokenCredential | TicketCredential | None:
        """Return the credential of a handshake, None if it has none.

        A token in the query is accepted only with `in_query`. Raises NoToken or ForeignOrigin.
        """
        return handshake.credential(self._cookie, self.origins, in_query=in_query)

    def states_credential(self, scope: Any) -> bool:
        """Return whether a request has anything that claims to be a token or a ticket of ours."""
        return self.handshake_of(scope).states_credential(self._cookie)

    async def is_of_known_client(self, scope: Any) -> bool:
        """Return whether a request has a genuine token or ticket; a ticket is not used up."""
        try:
            match self.credential_of(self.handshake_of(scope), in_query=True):
                case TokenCredential() as credential:
                    await self.identify_token(credential.token)
                    return True
                case TicketCredential() as credential:
                    return self.is_genuine_ticket(credential.ticket)
                case None:
                    return False
        except MissingClaims:
            return True
        except (Unauthorised, Unavailable):
            return False

    def client_address(self, handshake: HandshakeInfo) -> str:
        """Return the key of the client in limits by address."""
        return address_of(handshake.peer, handshake.headers, self._proxies, self._forwarded)

    def address_of_scope(self, scope: Any) -> str:
        """Return the key of the client of an ASGI scope in limits by address."""
        headers = (
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            if self._proxies
            else {}
        )
        return address_of(peer_of(scope), headers, self._proxies, self._forwarded)

    def is_forwarded_by_unknown_proxy(self, scope: Any) -> bool:
        """Return whether a peer that is not a trusted proxy says for whom it sends a request."""
        return any(
            name == b"x-forwarded-for" for name, _ in scope["headers"]
        ) and not is_from_proxy(peer_of(scope), self._proxies)

    def shared_buckets(self, name: str) -> Buckets[Any] | None:
        """Return the buckets of TIDINGS_<NAME>_RATE, None if it is `off`.

        Every call returns the same buckets: with buckets of its own, each group of routes would
        grant the whole rate once more.
        """
        if name not in self._buckets:
            rate = rate_of(f"{name}s", self._runtime.settings.rate(name))
            self._buckets[name] = Buckets(rate) if rate else None
        return self._buckets[name]

    async def run(self) -> None:
        """Follow the revocations and refresh the issuer's keys, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_forever("revocations", self._follow_revocations))
            if self._keys:
                group.create_task(self._keys.run())

    async def _follow_revocations(self) -> None:
        """Follow the revocations that can still affect a valid token; raises Unavailable."""
        try:
            current = await stream_state(self._runtime.jetstream, EVENTS)
            newest = await last_message(self._runtime.jetstream, EVENTS, SESSIONS_REVOKED)
            after = (
                await self._sequence_before_oldest(current.last_sequence, newest)
                if newest
                else current.last_sequence
            )
            await self._follow_after(after, current.epoch, newest.sequence if newest else 0)
        except LogLost as lost:
            # Transient here: the next attempt follows the new log, and the revocations that are
            # already known stay in force.
            raise Unavailable(str(lost)) from None

    async def _sequence_before_oldest(self, head: int, newest: StreamMessage) -> int:
        """Return the sequence after which every revocation that can affect a valid token lies.

        `head` is the stream's last sequence and `newest` the newest revocation, read from the
        leader before the search. Raises Unavailable if a replica answers that lacks revocations.
        """
        oldest = datetime.now(UTC) - timedelta(
            seconds=self._runtime.settings.token_lifetime_limit_seconds + CLOCK_SKEW_SECONDS
        )
        first = await first_sequence_since(
            self._runtime.jetstream, EVENTS, SESSIONS_REVOKED, oldest
        )
        if first is None and newest.time_nanoseconds >= oldest.timestamp() * 1e9:
            raise Unavailable("a replica of EVENTS lacks the newest revocations")
        return first - 1 if first else head

    async def _follow_after(self, reached: int, epoch: str, target: int) -> None:
        batches = follow(
            self._runtime.jetstream,
            EVENTS,
            (SESSIONS_REVOKED,),
            after=reached,
            epoch=epoch,
            position=self._runtime.metrics.followers.position_of("revocations"),
        )
        async with aclosing(batches):
            while True:
                if reached >= target:
                    self.caught_up.set()
                for message in (batch := await anext(batches)):
                    self._apply_revocation(message)
                reached = batch[-1].sequence if batch else reached

    def _apply_revocation(self, message: StreamMessage) -> None:
        try:
            recorded_event = decode_recorded_event(
                message.data, message.sequence, message.time_nanoseconds, message.subject
            )
        except InvalidEvent:
            return
        if isinstance(event := recorded_event.event, SessionRevoked):
            person = Person(recorded_event.tenant, event.user_id)
            self.revocations.add_revocation(
                person, event.session_id, message.time_nanoseconds / 1e9
            )
            self.on_revoked(person)


def _take_token(scope: Any, rate: Buckets[Person] | None, identity: Identity) -> None:
    """Take a token of the sender's bucket; raises RateExceeded."""
    if rate is not None:
        rate_status = scope["state"][RATE_STATUS] = rate.take_token(
            identity.person, time.monotonic()
        )
        rate_status.raise_if_exceeded()
