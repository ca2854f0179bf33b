"""Tickets: what stands in an address in place of a token, good for one connection within seconds."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from uuid import uuid4

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from msgspec import Struct
from tidings.contracts import subjects
from tidings.contracts.ids import Id
from tidings.contracts.subjects import Person
from tidings.runtime import auth
from tidings.runtime.append import Appender, Draft, Expected
from tidings.runtime.auth import Identity
from tidings.runtime.errors import WrongSequence
from tidings.runtime.jetstream import JetStream

PURPOSE = b"tidings ticket 1"
TICKET_LIMIT_CHARACTERS = 4096
NOT_VALID = "the ticket is not valid: forged, older than {seconds} s, or another installation's; POST /v1/tickets for a new one"


class Sealed(Struct, frozen=True, array_like=True):
    """What a ticket holds: its id, where it may be used, and the identity that it stands for."""

    id: str
    origin: str
    tenant: Id
    user: Id
    scopes: tuple[str, ...]
    expires: float
    issued: float
    session: str | None


class Tickets:
    """Sealed (Fernet: AES-128-CBC and HMAC-SHA-256), so an address shows nothing of a person and no ticket passes for a token.

    Edges share the secret and keep no list; that a ticket works once is for a stream to say, which takes its id once.
    """

    def __init__(self, jetstream: JetStream, secret: str, seconds: int) -> None:
        self._appender = Appender(jetstream)
        self._seal = Fernet(
            urlsafe_b64encode(hmac.digest(secret.encode(), PURPOSE, hashlib.sha256))
        )
        self._seconds = seconds

    def issue(self, identity: Identity, origin: str) -> str:
        """A ticket for a person at an origin; it can do no more than the token that asked for it, and ends with it."""
        (tenant, user), scopes, expires, issued, session = identity
        sealed = Sealed(uuid4().hex, origin, tenant, user, tuple(scopes), expires, issued, session)
        return self._seal.encrypt(msgspec.msgpack.encode(sealed)).decode()

    async def redeem(self, ticket: str, origin: str) -> Identity:
        """Use a ticket up: whom it stands for. Raises auth.InvalidToken, or Unavailable if it may have been used or not."""
        sealed = self._opened(ticket)
        if sealed.origin != origin:
            raise auth.InvalidToken("the ticket was issued to a page of another origin")
        subject = subjects.ticket(sealed.id)
        try:
            await self._appender.append_expecting(Draft(subject, b""), Expected(subject, 0))
        except WrongSequence:
            raise auth.InvalidToken(
                "the ticket has been used; POST /v1/tickets for a new one"
            ) from None
        return Identity(
            Person(sealed.tenant, sealed.user),
            frozenset(sealed.scopes),
            sealed.expires,
            sealed.issued,
            sealed.session,
        )

    def _opened(self, ticket: str) -> Sealed:
        try:
            if len(ticket) > TICKET_LIMIT_CHARACTERS:
                raise InvalidToken
            return msgspec.msgpack.decode(
                self._seal.decrypt(ticket, ttl=self._seconds), type=Sealed
            )
        except (InvalidToken, msgspec.DecodeError, ValueError):
            raise auth.InvalidToken(NOT_VALID.format(seconds=self._seconds)) from None
