"""Rules about deliveries: an address that cannot be reached, a user who does not read."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.relations import Relation
from tidings.contracts.rules import Rule, Tell
from tidings.domains.addresses.rules import CATEGORY, CONFIRM, ENTITY
from tidings.domains.deliveries.events import ChannelSuppressed, NotificationUnattended

ON_CALL_MANAGERS = Relation("tenant", "on_call_manager")
"""The users to whom `role.granted` gave this role."""


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


def incident_unattended(recorded: RecordedEvent[NotificationUnattended]) -> Iterator[Tell]:
    """Notify the managers on call that a responder has not read of their incident.

    The plans of the channels escalate nothing but critical incidents.
    """
    yield Tell(
        to=(ON_CALL_MANAGERS,),
        values={"responder": recorded.event.user_id},
        category="incident",
        level="error",
        priority="high",
        entity=recorded.event.entity,
    )


RULES: tuple[Rule, ...] = (
    Rule("address_fails", ChannelSuppressed, address_fails),
    Rule("incident_unattended", NotificationUnattended, incident_unattended),
)
