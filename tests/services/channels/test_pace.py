"""Paced mails all arrive, no faster than allowed; doubtful ones are sent again or held."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.outcomes import Attempt
from tidings.channels.pace import Pace
from tidings.channels.results import Doubtful
from tidings.contracts.subjects import Person
from tidings.runtime.settings import Settings

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels, serve_mailbox, with_relay
from tests.services.channels.mails import DELIVERY, MOMENT, make_notification
from tests.services.channels.test_mails import deliveries, join, now
from tests.waiting import wait_until

MAILS, RATE = 8, 5.0


async def test_a_pace_lets_one_pass_at_once_and_then_its_rate() -> None:
    pace, began = Pace(100), asyncio.get_running_loop().time()

    await pace.wait()
    assert asyncio.get_running_loop().time() - began < 0.01
    await asyncio.gather(*(pace.wait() for _ in range(10)))

    assert asyncio.get_running_loop().time() - began >= 0.0999


async def test_mails_leave_at_the_rate_of_the_settings(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    async with serve_mailbox() as (mailbox, port):
        settings = with_relay(chosen, port, email_rate=RATE)
        async with running_channels(settings):
            users = [f"u-{number}" for number in range(MAILS)]
            for user in users:
                await join(tidings, user=user)
            began = now()
            await tidings.emit(*(make_announcement(user) for user in users))

            async def are_sent() -> bool:
                return await deliveries(tidings) == [("sent", None)] * MAILS

            await wait_until(are_sent)

    assert len(mailbox.mails) == MAILS
    assert now() - began >= timedelta(seconds=(MAILS - 1) / RATE)


@pytest.mark.parametrize("resends", [True, False])
def test_a_doubtful_mail_is_sent_again_unless_it_is_held(*, resends: bool) -> None:
    delivery = Delivery(
        DELIVERY,
        Person("acme", "alice"),
        "email",
        "profile",
        summary=False,
        state="claimed",
        attempt=1,
        until=None,
        ordered=1,
        first_ordered=MOMENT,
        notifications=(),
    )
    attempt = Attempt(delivery, make_notification(), MOMENT, resends)

    outcome = attempt.outcome(Doubtful(code="lost"), milliseconds=1)

    assert outcome.state == "doubtful"
    assert (outcome.until is not None) == resends
