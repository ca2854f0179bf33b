"""Check: an event is refused where it is emitted, with the words in which it would be refused later."""

from __future__ import annotations

from tidings.client.errors import EventRefused, TooLarge
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.draft import OversizedEvent, accepted
from tidings.contracts.envelope import Sealed


def check(sealed: Sealed) -> Sealed:
    """The same, if it would be taken; raises EventRefused, or TooLarge."""
    try:
        accepted(sealed.body)
    except OversizedEvent as error:
        raise TooLarge(sealed.id, error.field, error.reason) from None
    except InvalidEvent as error:
        raise EventRefused(sealed.id, error.field, error.reason) from None
    return sealed
