"""A delivery, as its row in the read model states it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from tidings.channels.decider.state import NotificationKey
from tidings.contracts.channels import Channel
from tidings.contracts.subjects import Person


class Delivery(NamedTuple):
    """What is sent to one address, of one notification or, as a summary, of several.

    `ordered`: the sequence of the entry that orders it; `first_ordered`: when it was ordered for
    the first time. `attempt` is the one that is ordered, or the last one. `why`: the code of the
    reason why it is held. `joined`: the sequence of the plan that joined it last. `cancelled`: an
    operator asked for that. `step`: its number in the plan. `as_of`: the sequence of the log that
    it was read at.
    """

    id: str
    person: Person
    channel: Channel
    address: str
    summary: bool
    state: str
    attempt: int
    until: datetime | None
    ordered: int | None
    first_ordered: datetime | None
    notifications: tuple[str, ...]
    why: str | None = None
    joined: int | None = None
    cancelled: bool = False
    step: int = 0
    as_of: int = 0

    @property
    def keys(self) -> list[NotificationKey]:
        """Return the keys of its notifications."""
        return [NotificationKey(self.person, each) for each in self.notifications]


def delivery_of(row: tuple[Any, ...], as_of: int) -> Delivery:
    """Return the delivery of a row of `DUE_DELIVERIES` and its like, read at a sequence."""
    identifier, _, tenant, user, channel, address, *rest = row
    *rest, ordered_at, notifications, why, joined, cancelled, step = rest
    summary, state, attempt, until, ordered = rest
    return Delivery(
        identifier,
        Person(tenant, user),
        channel,
        address,
        summary,
        state,
        attempt,
        until,
        ordered,
        ordered_at,
        tuple(notifications or ()),
        why,
        joined,
        cancelled,
        step,
        as_of,
    )
