"""Unsubscribe tokens: the links in mails by which a person turns off one kind of mail (RFC 8058).

They never expire: a mail may be read years later. A token allows this one change and nothing else.
"""

from __future__ import annotations

from msgspec import Struct
from tidings.contracts.channels import Channel
from tidings.contracts.ids import Id
from tidings.runtime.sealed import InvalidSeal, Seal

__all__ = ["InvalidSeal", "UnsubscribeTokens", "Unsubscription"]

PURPOSE = b"tidings unsubscribe 1"


class Unsubscription(Struct, frozen=True, array_like=True):
    """Content of a token: whose mail of which category is turned off, and the delivery it was in.

    `type`, `entity` (`task:456`) and `group` are those of the notification, unless the mail has
    several. The events take their ids from `delivery`, so that repeating the request changes
    nothing.
    """

    tenant: Id
    user: Id
    category: str
    channel: Channel
    delivery: str
    type: str = ""
    entity: str | None = None
    group: str | None = None


class UnsubscribeTokens:
    """Seals and opens the tokens of unsubscribe links."""

    def __init__(self, secret: str) -> None:
        self._seal = Seal(secret, PURPOSE, Unsubscription)

    def issue_token(self, content: Unsubscription) -> str:
        """Return the token of a link; it does not tell when it was made."""
        return self._seal.seal_value(content, now=0)

    def open_token(self, token: str) -> Unsubscription:
        """Return what a token stands for; raises InvalidSeal."""
        return self._seal.open_token(token)
