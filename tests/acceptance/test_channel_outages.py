"""NATS and Postgres restart while mails are due: none is lost, and each double is known."""

from __future__ import annotations

from collections import Counter

from tidings.client.jetstream import connect
from tidings.contracts.deliveries import Outcome, decode_delivery_entry
from tidings.contracts.subjects import DELIVERIES, NOTIFICATIONS
from tidings.runtime.log.read import read

from tests.acceptance.faults import Installation, Tenant
from tests.builders import make_announcement, make_event
from tests.services.channels.mailbox import Mailbox, serve_mailbox
from tests.waiting import wait_until

USERS = [f"u-{number}" for number in range(10)]
ROUNDS = ("before", "nats", "postgres", "after")


async def test_no_mail_is_lost_when_a_server_restarts(installation: Installation) -> None:
    async with serve_mailbox() as (mailbox, port), Tenant(installation) as tenant:
        channels = installation.process(
            "channels", smtp_host="127.0.0.1", smtp_port=port, channel_secret="s" * 32
        )
        await channels.start()
        await tenant.emit(
            *(
                event
                for user in USERS
                for event in (
                    make_event("user.joined", user_id=user, email=f"{user}@x.example"),
                    make_event(
                        "preference.set",
                        user_id=user,
                        of="all",
                        channel="email",
                        how="unread",
                        after_seconds=1,
                    ),
                )
            )
        )
        for name in ROUNDS:
            await tenant.emit(*(make_announcement(user, title=name) for user in USERS))
            if name in installation.parts:
                await installation.kill(name)
                await installation.start(name)
        await wait_until(lambda: _all_arrived(mailbox))
        doubtful = await _count_doubtful(installation)
        channels.kill()
        await channels.wait()

    mails = Counter((each.recipient, each.subject) for each in mailbox.mails)
    assert set(mails) == {(f"{user}@x.example", name) for user in USERS for name in ROUNDS}
    assert sum(mails.values()) - len(mails) <= doubtful


async def _all_arrived(mailbox: Mailbox) -> bool:
    found = {(each.recipient, each.subject) for each in mailbox.mails}
    return len(found) == len(USERS) * len(ROUNDS)


async def _count_doubtful(installation: Installation) -> int:
    """Return how many attempts may have left or not."""
    after, count = 0, 0
    async with connect(installation.nats.url, "tests") as jetstream:
        while page := await read(jetstream, NOTIFICATIONS, DELIVERIES, after=after):
            after = page[-1].sequence
            entries = [decode_delivery_entry(message.data) for message in page]
            count += sum(isinstance(each, Outcome) and each.state == "doubtful" for each in entries)
    return count
