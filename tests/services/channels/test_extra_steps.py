"""What no preference asks for: the end of a snooze, and a notification that nobody reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tidings.channels.decider import plans
from tidings.runtime.settings import Settings

from tests.builders import make_event
from tests.driver import Client, Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import announce, deliveries, join, own_events
from tests.waiting import wait_until

ESCALATE = timedelta(seconds=2)


@pytest.fixture
async def mailbox(
    chosen: Settings, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it; escalations are soon."""
    shorter = [plan._replace(escalate=ESCALATE) if plan.escalate else plan for plan in plans.PLANS]
    monkeypatch.setattr(plans, "PLANS", tuple(shorter))
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def snooze(client: Client, notification: str, seconds: float) -> datetime:
    """Snooze a notification, and return until when."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    await client.send(
        {
            "type": "mark",
            "op": f"op-{notification}-{seconds}",
            "state": "snoozed",
            "ids": [notification],
            "until": until.isoformat(),
        }
    )
    return until


async def test_a_snoozed_notification_is_told_again_when_it_is_back(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    alice = await tidings.connect("alice")
    await alice.live()
    await announce(tidings, "Back")
    await announce(tidings, "Read meanwhile")
    await mailbox.wait_for(address, 2)
    back, read = await alice.until(2)
    assert back["title"] == "Back"

    await snooze(alice, read["id"], 1)
    await alice.mark("read", read["id"])
    until = await snooze(alice, back["id"], 2)
    *_, mail = await mailbox.wait_for(address, 3)

    assert mail.subject == "Back"
    assert datetime.now(UTC) >= until
    assert ("dropped", "read") in await deliveries(tidings)


async def test_what_is_snoozed_again_wakes_at_the_later_time_only(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings, "unread", after_seconds=1)
    alice = await tidings.connect("alice")
    await alice.live()
    await announce(tidings, "Later")
    (entry,) = await alice.until(1)

    await snooze(alice, entry["id"], 2)
    until = await snooze(alice, entry["id"], 3)
    (mail,) = await mailbox.wait_for(address)

    assert mail.subject == "Later"
    assert datetime.now(UTC) >= until
    states = await deliveries(tidings)
    assert states.count(("dropped", "snoozed")) == 2


async def test_an_incident_that_a_responder_leaves_unread_is_told_the_manager_once(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    await join(tidings, "never")
    await join(tidings, "never", user="bob")
    await tidings.emit(make_event("role.granted", user_id="boss", role="on_call_manager"))
    alice, boss = await tidings.connect("alice"), await tidings.connect("boss")
    await alice.live()
    await boss.live()
    await tidings.emit(
        make_event(
            "incident.created",
            incident_id="3",
            number="INC-3",
            title="Down",
            severity="critical",
            responders=["alice", "bob"],
        )
    )
    (entry,) = await alice.until(1)
    await alice.mark("read", entry["id"])

    (told,) = await boss.until(1)

    assert told["message"] == "bob has not read of the incident"
    assert told["priority"] == "high"

    async def is_settled() -> bool:
        return sorted(await deliveries(tidings)) == [("dropped", "read"), ("sent", "unread_delay")]

    await wait_until(is_settled)
    stated = [each["type"] for each in await own_events(tidings)]
    assert stated.count("notification.unattended") == 1
