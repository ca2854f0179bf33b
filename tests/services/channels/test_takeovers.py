"""A leader that stands still for longer than its takeover decides and sends nothing twice."""

from __future__ import annotations

import signal

from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import deliveries
from tests.services.channels.test_random_kills import running_process
from tests.waiting import wait_until

USERS = [f"u-{number}" for number in range(6)]
DELAY_SECONDS = 1


async def test_a_leader_that_goes_on_after_its_takeover_is_fenced(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    for user in USERS:
        await tidings.emit(
            make_event("user.joined", user_id=user, email=f"{user}.{tidings.tenant}@x.example"),
            make_event(
                "preference.set",
                user_id=user,
                of="all",
                channel="email",
                how="unread",
                after_seconds=DELAY_SECONDS,
            ),
        )
    async with serve_mailbox() as (mailbox, port):
        settings = with_relay(chosen, port)
        async with running_process(settings) as stopped:
            await tidings.emit(*(make_announcement(user, title="Before") for user in USERS))
            await wait_until(lambda: _count(tidings, len(USERS)))
            stopped.send_signal(signal.SIGSTOP)
            async with running_channels(settings):
                await tidings.emit(*(make_announcement(user, title="Meanwhile") for user in USERS))
                await wait_until(lambda: _are_sent(tidings, 2 * len(USERS)))
                stopped.send_signal(signal.SIGCONT)
                await tidings.emit(*(make_announcement(user, title="After") for user in USERS))
                await wait_until(lambda: _are_sent(tidings, 3 * len(USERS)))

    subjects = sorted(each.subject for each in mailbox.mails)
    assert subjects == sorted(["Before", "Meanwhile", "After"] * len(USERS))


async def _count(tidings: Tidings, count: int) -> bool:
    return len(await deliveries(tidings)) == count


async def _are_sent(tidings: Tidings, count: int) -> bool:
    return await deliveries(tidings) == [("sent", None)] * count
