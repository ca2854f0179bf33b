"""Tests of mails: one mail at once to a person's own address, by what sends all others."""

from __future__ import annotations

import time
from typing import Any

from tidings.channels.http.device_tests import test_notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import PersonSettings
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import Buckets, Rate
from tidings.runtime.settings import Settings

TEST_RATE = Rate("mail tests", 3, 3600)


class MailTests:
    """Mails tests, a few an hour to each person, over a connection of their own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets: Buckets[Person] = Buckets(TEST_RATE)

    async def mail(self, person: Person, settings: PersonSettings) -> dict[str, Any]:
        """Mail a test to the address that mails go to; raises Problem or RateExceeded."""
        # What sends loads much that a process without tests does not need.
        from tidings.channels.decider.lane import Letter
        from tidings.channels.decider.places import usable_places
        from tidings.channels.email.sender import open_email_sender
        from tidings.channels.results import Sent

        if self._settings.smtp_host is None or self._settings.channel_secret is None:
            detail = "mails are not set up here: TIDINGS_SMTP_HOST and TIDINGS_CHANNEL_SECRET"
            raise Problem(409, "not set up", detail)
        place = next(iter(usable_places(settings, "email")), None)
        if place is None:
            detail = "you have no confirmed mail address; give one by POST /v1/addresses"
            raise Problem(422, "no address", detail)
        self._buckets.take_token(person, time.monotonic()).raise_if_exceeded()
        notification = test_notification(person, settings.locale, "mail-test")
        sender = open_email_sender(self._settings)
        try:
            result = await sender.send(
                Letter(
                    delivery=notification.id,
                    person=person,
                    place=place,
                    settings=settings,
                    notifications=(notification,),
                    total=1,
                    summary=False,
                    required=True,
                    at=notification.created,
                )
            )
        finally:
            await sender.aclose()
        is_taken = isinstance(result, Sent)
        return {"success": is_taken, "error": None if is_taken else result.code}
