"""Rules about deliveries: an address that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.rules import Rule, Tell
from tidings.domains.addresses.rules import CATEGORY, CONFIRM, ENTITY
from tidings.domains.deliveries.events import ChannelSuppressed


def address_fails(recorded: RecordedEvent[ChannelSuppressed]) -> Iterator[Tell]:
    """Tell a user that messages to one of their addresses come back."""
    event = recorded.event
    if event.user_id and event.address_id:
        yield Tell(
            to=(event.user_id,),
            values={},
            category=CATEGORY,
            level="warning",
            entity=Entity(type=ENTITY, id=event.address_id),
            actions=(CONFIRM,),
            include_actor=True,
        )


RULES: tuple[Rule, ...] = (Rule("address_fails", ChannelSuppressed, address_fails),)
