"""Tickets: stand for a token in an address, for one connection within seconds."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from uuid import uuid4

from msgspec import Struct
from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import JetStream
from tidings.contracts import subjects
from tidings.contracts.ids import Id
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import Person
from tidings.runtime.auth import identity as auth
from tidings.runtime.auth.identity import Identity
from tidings.runtime.errors import WrongSequence
from tidings.runtime.sealed import InvalidSeal, Seal, derive_key

PURPOSE = b"tidings ticket 1"
PROOF_PURPOSE = b"tidings ticket proof 1"
PROOF_BYTES = 18
INVALID_TICKET = (
    "the ticket is not valid: forged, older than {seconds} s, or another installation's;"
    " POST /v1/tickets for a new one"
)


class TicketPayload(Struct, frozen=True, array_like=True):
    """Content of a ticket: its id, the origin that may use it, and an identity."""

    id: str
    origin: str
    tenant: Id
    user: Id
    scopes: tuple[str, ...]
    expires: float
    issued: float
    session: str | None


class Tickets:
    """Issues and redeems encrypted tickets (Fernet: AES-128-CBC and HMAC-SHA-256).

    Encryption keeps the identity out of logged addresses. Edges share the secret and keep no list:
    a stream that accepts each id once makes a ticket work once.
    """

    def __init__(
        self,
        jetstream: JetStream,
        secret: str,
        ttl_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._appender = Appender(jetstream)
        self._seal = Seal(secret, PURPOSE, TicketPayload)
        self._proof_key = derive_key(secret, PROOF_PURPOSE)
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def issue_ticket(self, identity: Identity, origin: str) -> str:
        """Return a ticket for an origin; it has the rights and the expiry of the identity."""
        (tenant, user), scopes, expires, issued, session, _ = identity
        payload = TicketPayload(
            uuid4().hex, origin, tenant, user, tuple(scopes), expires, issued, session
        )
        return self._seal.seal_value(payload, int(self._clock()))

    async def redeem_ticket(self, ticket: str, origin: str) -> Identity:
        """Use a ticket up and return its identity; raises auth.InvalidToken.

        Raises Unavailable if NATS does not answer; the ticket may be used up then.
        """
        payload = self._decrypt_ticket(ticket, self._ttl_seconds)
        if payload.origin != origin:
            raise auth.InvalidToken("the ticket was issued to a page of another origin")
        subject = subjects.ticket_subject(payload.id)
        try:
            await self._appender.append_expecting(
                NewMessage(subject, b""), ExpectedSequence(subject, 0)
            )
        except WrongSequence:
            raise auth.InvalidToken(
                "the ticket has been used; POST /v1/tickets for a new one"
            ) from None
        return _identity(payload)

    def is_genuine(self, ticket: str) -> bool:
        """Return whether a ticket was issued here; it may have been used, or be too old."""
        try:
            self._decrypt_ticket(ticket, ttl_seconds=None)
        except auth.InvalidToken:
            return False
        return True

    def proof_of(self, ticket: str) -> str:
        """Return the proof that the bearer of a redeemed ticket received the stream it opened.

        It is sent in the stream, and the browser returns it in a header: neither is in the address.
        """
        return self._proof(self._decrypt_ticket(ticket, ttl_seconds=None))

    def renew_ticket(self, ticket: str, origin: str, proof: str) -> Identity:
        """Return the identity of a used ticket for a stream that returns; raises auth.InvalidToken.

        The proof replaces the single use; the ticket lasts as long as the token it was issued for.
        """
        payload = self._decrypt_ticket(ticket, ttl_seconds=None)
        if payload.origin != origin or not hmac.compare_digest(
            self._proof(payload).encode(), proof.encode()
        ):
            raise auth.InvalidToken("the id of the last event is not one of the ticket's stream")
        if payload.expires <= self._clock():
            raise auth.InvalidToken("the token of the ticket has expired")
        return _identity(payload)

    def _proof(self, payload: TicketPayload) -> str:
        digest = hmac.digest(self._proof_key, payload.id.encode(), hashlib.sha256)
        return urlsafe_b64encode(digest[:PROOF_BYTES]).decode()

    def _decrypt_ticket(self, ticket: str, ttl_seconds: int | None) -> TicketPayload:
        try:
            return self._seal.open_token(ticket, ttl_seconds, int(self._clock()))
        except InvalidSeal:
            raise auth.InvalidToken(INVALID_TICKET.format(seconds=self._ttl_seconds)) from None


def _identity(payload: TicketPayload) -> Identity:
    return Identity(
        Person(payload.tenant, payload.user),
        frozenset(payload.scopes),
        payload.expires,
        payload.issued,
        payload.session,
    )
