"""Tests of devices: one push at once, by the lane that sends all others."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from tidings.channels.words import load_words
from tidings.contracts.http_bodies.devices import PushTest
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Device, PersonSettings
from tidings.runtime.http.problem import Problem
from tidings.runtime.settings import Settings


class DeviceTests:
    """Pushes tests, over connections of their own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def push(self, person: Person, device: Device, settings: PersonSettings) -> PushTest:
        """Push a test to a device of a person; raises Problem if its channel is not set up."""
        # What sends loads much that a process without tests does not need.
        from tidings.channels.decider.lane import Letter
        from tidings.channels.push_lanes import open_push_lanes
        from tidings.channels.results import Sent

        async with open_push_lanes(self._settings, None) as lanes:
            lane = lanes.get(device.value.kind)
            if lane is None:
                detail = f"pushes by {device.value.kind} are not set up here"
                raise Problem(409, "not set up", detail)
            notification = test_notification(person, device.value.locale or settings.locale)
            result = await lane.sender.send(
                Letter(
                    delivery=notification.id,
                    person=person,
                    place=device,
                    settings=settings,
                    notifications=(notification,),
                    total=1,
                    summary=False,
                    required=False,
                    at=notification.created,
                )
            )
        return PushTest(sent=isinstance(result, Sent), code=result.code)


def test_notification(
    person: Person, wanted_locale: str | None, words_name: str = "test"
) -> Notification:
    """Return a notification that is in no log, in the words of a locale."""
    words = load_words()
    locale = words.best_locale(wanted_locale or "")
    return Notification(
        id=str(uuid4()),
        type="tidings.test",
        category="tidings",
        priority="high",
        title=words.text(f"{words_name}-title", locale),
        message=words.text(f"{words_name}-message", locale),
        tenant=person.tenant,
        user=person.user,
        created=datetime.now(UTC),
    )
