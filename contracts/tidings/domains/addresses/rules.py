"""Rules about addresses: one that is to be confirmed."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.rules import Rule, Tell
from tidings.domains.addresses.events import AddressGiven

CATEGORY = "address"
ENTITY = "address"
CONFIRM = "confirm"
"""The button by which a person asks for a message to an address that failed."""


def address_given(recorded: RecordedEvent[AddressGiven]) -> Iterator[Tell]:
    """Tell a user that an address waits for its confirmation; a message goes there."""
    event = recorded.event
    if event.confirmed:
        return
    # The address of a chat or a webhook is a secret by which anyone could write there.
    shown = (
        event.address if event.channel == "email" else event.label or event.service or event.channel
    )
    yield Tell(
        to=(event.user_id,),
        values={"address": shown},
        category=CATEGORY,
        entity=Entity(type=ENTITY, id=event.address_id),
        hidden_fields=("address", "label"),
        include_actor=True,
    )


RULES: tuple[Rule, ...] = (Rule("address_given", AddressGiven, address_given),)
