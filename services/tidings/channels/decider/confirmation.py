"""Confirmations: the only deliveries to an address that is not confirmed; pure.

A notification that an address was given has one delivery: to that address, at once, whatever its
user prefers. The link in it is what confirms the address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from tidings.channels.decider.places import Place
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import PlannedStep, Reason, delivery_id
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.domains.addresses.events import AddressGiven
from tidings.domains.addresses.rules import ENTITY
from tidings.projections.preferences.settings import Address, PersonSettings

STEP = 9
"""The number of this step, which no plan has; the deliveries of the last day are counted by it."""
ADDRESS_LIMIT, PERSON_LIMIT = 3, 10
"""How many are sent in a day to one address, and to all addresses of a person."""
DAY = timedelta(days=1)


class SentConfirmations(NamedTuple):
    """How many confirmations an address of a person got in the last day."""

    person: Person
    address: str
    sent: int


class ConfirmationBudget:
    """Counts the confirmations of a day, those that are being planned included."""

    def __init__(self, sent: Iterable[SentConfirmations] = ()) -> None:
        self._of_address: Counter[tuple[Person, str]] = Counter()
        self._of_person: Counter[Person] = Counter()
        for each in sent:
            self._of_address[each.person, each.address] += each.sent
            self._of_person[each.person] += each.sent

    def take(self, person: Person, address: str) -> Reason | None:
        """Count one more, or return why there must not be one more."""
        if self._of_address[person, address] >= ADDRESS_LIMIT:
            return Reason(code="capped", row=f"{ADDRESS_LIMIT} confirmations a day to an address")
        if self._of_person[person] >= PERSON_LIMIT:
            return Reason(code="capped", row=f"{PERSON_LIMIT} confirmations a day to a person")
        self._of_address[person, address] += 1
        self._of_person[person] += 1
        return None


def is_confirmation(notification: Notification) -> bool:
    """Return whether a notification asks to confirm an address."""
    entity = notification.entity
    return notification.type == AddressGiven.type and bool(entity and entity.type == ENTITY)


def plan_confirmation(
    person: Person,
    notification: Notification,
    settings: PersonSettings,
    channels: Collection[Channel],
    budget: ConfirmationBudget,
    at: datetime,
) -> PlannedStep | None:
    """Return the delivery of a confirmation, None if there is no way to send it."""
    place = _place_of(notification, settings)
    if place is None or place.value.channel not in channels:
        return None
    why = confirmation_veto(notification, place, at) or budget.take(person, place.id)
    return PlannedStep(
        delivery=delivery_id(notification.id, person.user, place.value.channel, STEP, place.id),
        step=STEP,
        channel=place.value.channel,
        to=place.id,
        state="dropped" if why else "ordered",
        why=why,
    )


def confirmation_veto(
    notification: Notification, place: Place | None, at: datetime
) -> Reason | None:
    """Return why a confirmation must not be sent to a place, None if it may.

    One for an address that was given again since, or is in use, is superseded.
    """
    if place is None:
        return Reason(code="no_address")
    if notification.expires is not None and notification.expires <= at:
        return Reason(code="expired")
    is_used = isinstance(place, Address) and place.confirmed and not place.suppressed
    if is_used or place.event > (notification.event or 0):
        return Reason(code="superseded", event=place.event)
    return None


def _place_of(notification: Notification, settings: PersonSettings) -> Address | None:
    name = notification.entity.id if notification.entity else ""
    return next((each for each in settings.addresses if each.id == name), None)
