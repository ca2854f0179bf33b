"""Confirmation links: what a message to an unconfirmed address has, and a notification never."""

from __future__ import annotations

from tidings.channels.decider.confirmation import is_confirmation
from tidings.channels.decider.lane import Letter
from tidings.projections.preferences.settings import Address
from tidings.runtime.confirmation_tokens import AddressClaim, ConfirmationTokens
from tidings.runtime.settings import Settings

CONFIRMATION_PATH = "/confirm/"


class ConfirmationLinks:
    """Makes the links of confirming messages: `https://…/confirm/<token>`."""

    def __init__(self, public_url: str, tokens: ConfirmationTokens) -> None:
        self._public_url = public_url
        self._tokens = tokens

    def link_for(self, letter: Letter) -> str | None:
        """Return the link that confirms a letter's address, None if that is not what it is for."""
        if not isinstance(letter.place, Address) or not is_confirmation(letter.notifications[-1]):
            return None
        claim = AddressClaim(
            letter.person.tenant,
            letter.person.user,
            letter.place.id,
            letter.place.value.channel,
            letter.place.value.address,
        )
        token = self._tokens.issue_token(claim, letter.at.timestamp())
        return f"{self._public_url}{CONFIRMATION_PATH}{token}"


def open_confirmation_links(settings: Settings) -> ConfirmationLinks:
    """Return what makes the links of an installation; raises InvalidSettings."""
    public_url = (settings.public_url or settings.base_url).rstrip("/")
    return ConfirmationLinks(public_url, ConfirmationTokens(settings.channel_key))
