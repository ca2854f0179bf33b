"""Summaries on real servers: caps, pauses and digests gather what they hold, and drop nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tidings.channels.decider.plans import HOURLY_LIMIT_MAILS
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import announce, deliveries, join, now
from tests.waiting import wait_until

BEYOND = 3


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def summaries(tidings: Tidings) -> list[tuple[str, str | None, int]]:
    """Return state, reason and size of the tenant's summaries."""
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT state, why, (SELECT count(*) FROM deliveries.item WHERE delivery = id)::int"
            " FROM deliveries.delivery WHERE tenant = %s AND summary",
            (tidings.tenant,),
        )
        found: Any = await rows.fetchall()
    return found


async def test_what_is_beyond_the_limit_of_an_hour_gathers_in_a_summary(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    count = HOURLY_LIMIT_MAILS + BEYOND
    await tidings.emit(*(make_announcement("alice", title=f"No. {each}") for each in range(count)))
    await tidings.emit(make_announcement("alice", title="Fire", priority="critical"))
    await tidings.emit(make_event("preference.set", user_id="alice", of="all", how="now"))

    async def is_gathered() -> bool:
        return await summaries(tidings) == [("held", "capped", BEYOND)]

    await wait_until(is_gathered)
    mails = await mailbox.wait_for(address, HOURLY_LIMIT_MAILS + 1)
    assert len(mails) == HOURLY_LIMIT_MAILS + 1
    states = await deliveries(tidings)
    assert states.count(("dropped", "superseded")) == BEYOND


async def test_what_a_pause_held_leaves_as_one_summary(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)
    until = now() + timedelta(seconds=3)
    await tidings.emit(make_event("pause.set", user_id="alice", until=until.isoformat()))
    await announce(tidings, "First")
    await announce(tidings, "Second")
    await announce(tidings, "Urgent", priority="critical")

    async def is_gathered() -> bool:
        return await summaries(tidings) == [("held", "paused", 2)]

    await wait_until(is_gathered)
    assert now() < until
    mails = await mailbox.wait_for(address, 2)

    assert now() >= until
    assert "Urgent" in {each.subject for each in mails}
    (summary,) = (each for each in mails if each.subject != "Urgent")
    assert "First" in summary.text
    assert "Second" in summary.text


async def test_one_that_a_pause_held_is_a_mail_of_its_own(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    until = now() + timedelta(seconds=2)
    await tidings.emit(make_event("pause.set", user_id="alice", until=until.isoformat()))
    await announce(tidings, "Alone")

    (mail,) = await mailbox.wait_for(address)

    assert mail.subject == "Alone"
    assert now() >= until


async def test_what_is_wanted_in_a_digest_meanwhile_waits_for_it(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings, "unread", after_seconds=2)
    await announce(tidings, "Later")
    digest = {"every": "gathered"}
    await tidings.emit(
        make_event(
            "preference.set", user_id="alice", of="all", channel="email", how="digest",
            digest=digest,
        )
    )  # fmt: skip

    async def is_moved() -> bool:
        return await summaries(tidings) == [("held", "digest", 1)]

    await wait_until(is_moved)
    assert sorted(await deliveries(tidings)) == [("dropped", "superseded"), ("held", "digest")]
    assert mailbox.of(address) == []
