"""Letters to devices, for tests of single senders."""

from __future__ import annotations

from typing import Any

from tidings.channels.decider.lane import Letter
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Device, PersonSettings
from tidings.projections.preferences.values import DeviceValue

from tests.services.channels.mails import DELIVERY, MOMENT, make_notification


def make_device(**value: Any) -> Device:
    """Return a device of Alice's."""
    return Device("phone", 1, DeviceValue(**value), None)


def make_letter(device: Device, *notifications: Notification, **changes: Any) -> Letter:
    """Return a letter to a device of Alice's."""
    found = notifications or (make_notification(),)
    letter = Letter(
        delivery=DELIVERY,
        person=Person("acme", "alice"),
        place=device,
        settings=PersonSettings(),
        notifications=found,
        total=len(found),
        summary=False,
        required=False,
        at=MOMENT,
    )
    return letter._replace(**changes)
