"""Confirmation tokens: the links by which a person shows that an address is theirs."""

from __future__ import annotations

from msgspec import Struct
from tidings.contracts.channels import AddressChannel
from tidings.contracts.ids import Id
from tidings.contracts.subjects import Person
from tidings.runtime.sealed import InvalidSeal, Seal

__all__ = ["AddressClaim", "ConfirmationTokens", "InvalidSeal"]

PURPOSE = b"tidings address confirmation 1"
LIFETIME_SECONDS = 7 * 86_400


class AddressClaim(Struct, frozen=True, array_like=True):
    """Content of a token: whose address is confirmed. It holds for this very `address`."""

    tenant: Id
    user: Id
    address_id: Id
    channel: AddressChannel
    address: str

    @property
    def person(self) -> Person:
        """Return the person who gave the address."""
        return Person(self.tenant, self.user)


class ConfirmationTokens:
    """Seals and opens the tokens of confirming links, which are valid for 7 days."""

    def __init__(self, secret: str) -> None:
        self._seal = Seal(secret, PURPOSE, AddressClaim)

    def issue_token(self, claim: AddressClaim, now: float) -> str:
        """Return the token of a link; `now`: seconds since 1970."""
        return self._seal.seal_value(claim, int(now))

    def open_token(self, token: str, now: float) -> AddressClaim:
        """Return what a token stands for; raises InvalidSeal."""
        return self._seal.open_token(token, LIFETIME_SECONDS, int(now))
