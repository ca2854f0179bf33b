"""From an event to a mail on a real SMTP connection: decided, sent, and shown as rows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Raw
from tidings.contracts.codec import encode
from tidings.contracts.messages import SOURCE, NewMessage
from tidings.contracts.notifications import SharedNotification, TopicJoined
from tidings.contracts.subjects import EVENTS, Member, Person, Topic, topic_inbox_subject
from tidings.runtime.log.read import read
from tidings.runtime.log.state import stream_state
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import (
    Mailbox,
    running_channels,
    serve_mailbox,
    with_relay,
)
from tests.services.channels.mails import make_notification
from tests.waiting import wait_until

USERS = ("u-1", "u-2", "u-3")


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def join(tidings: Tidings, how: str = "now", user: str = "alice", **more: Any) -> str:
    """Let a user join who wants mails; return their address."""
    address = f"{user}-{tidings.tenant}@example.org"
    await tidings.emit(
        make_event("user.joined", user_id=user, email=address),
        make_event("preference.set", user_id=user, of="all", channel="email", how=how, **more),
    )
    return address


async def announce(tidings: Tidings, title: str, **more: Any) -> None:
    """Tell Alice something."""
    await tidings.emit(make_announcement("alice", title=title, **more))


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


async def deliveries(tidings: Tidings) -> list[tuple[str, str | None]]:
    """Return state and reason of the tenant's deliveries."""
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT state, why FROM deliveries.delivery WHERE tenant = %s ORDER BY sequence",
            (tidings.tenant,),
        )
        found: Any = await rows.fetchall()
    return found


async def test_an_event_becomes_a_mail(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)

    await announce(tidings, "Water the seedlings")
    (mail,) = await mailbox.wait_for(address)

    assert mail.subject == "Water the seedlings"
    assert "there" in mail.text
    await wait_until(lambda: _are(tidings, [("sent", None)]))


async def test_what_is_read_in_time_is_not_mailed(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings, "unread", after_seconds=2)
    alice = await tidings.connect("alice")
    await alice.live()
    await announce(tidings, "Read")
    await announce(tidings, "Unread")
    read, _ = await alice.until(2)
    await alice.mark("read", read["id"])

    (mail,) = await mailbox.wait_for(address)

    assert mail.subject == "Unread"
    await wait_until(lambda: _are(tidings, [("dropped", "read"), ("sent", None)]))


async def test_a_mailbox_that_does_not_exist_gets_no_other_mail(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    mailbox.refusals[address] = "550 5.1.1 no such user"

    await announce(tidings, "Bounces")
    await wait_until(lambda: _are(tidings, [("failed", None)]))
    del mailbox.refusals[address]
    await announce(tidings, "After it")
    other = await join(tidings, user="bob")
    await tidings.emit(make_announcement("bob"))
    await mailbox.wait_for(other)

    assert {each["type"] for each in await own_events(tidings)} >= {
        "channel.suppressed",
        "delivery.failed",
    }
    assert mailbox.of(address) == []


async def test_a_shared_notification_is_mailed_to_each_member(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    members = [await join(tidings, user=user) for user in USERS]
    topic = Topic(tidings.tenant, "room:9#member")
    subjects = tidings.runtime.settings.subjects
    appender = tidings.runtime.appender()
    for user in USERS:
        member = Member(Person(tidings.tenant, user), topic)
        await appender.append(NewMessage(subjects.member_subject(member), encode(TopicJoined())))
    event = (await stream_state(tidings.runtime.jetstream, EVENTS)).last_sequence
    notification = make_notification(
        "To all", tenant=tidings.tenant, user="", created=now(), event=event
    )
    shared = SharedNotification(left_out=USERS[0], notification=Raw(encode(notification)))
    await appender.append(NewMessage(topic_inbox_subject(topic), encode(shared)))

    for address in members[1:]:
        (mail,) = await mailbox.wait_for(address)
        assert mail.subject == "To all"
    await wait_until(lambda: _are(tidings, [("sent", None)] * (len(members) - 1)))
    assert mailbox.of(members[0]) == []


async def test_what_waits_for_a_summary_is_told_once_together(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings, "digest", digest={"every": "gathered"})
    for number in range(3):
        await announce(tidings, f"Number {number}")

    async def summary_of_three() -> timedelta | None:
        return await _left_until_summary(tidings, notifications=3)

    left = await wait_until(summary_of_three)

    assert timedelta(minutes=1) < left <= timedelta(minutes=7)
    assert await deliveries(tidings) == [("held", "digest")]
    assert mailbox.of(address) == []


async def _left_until_summary(tidings: Tidings, notifications: int) -> timedelta | None:
    """Return how long a summary of so many notifications is held, None if there is none."""
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT min(until) - now() FROM deliveries.delivery JOIN deliveries.item"
            " ON delivery = id WHERE tenant = %s GROUP BY id HAVING count(*) = %s",
            (tidings.tenant, notifications),
        )
        row: Any = await rows.fetchone()
    return row and row[0]


async def own_events(tidings: Tidings) -> list[dict[str, Any]]:
    """Return the events of the tenant that Tidings stated."""
    subject = tidings.runtime.settings.subjects.event_prefix(tidings.tenant) + ".>"
    page = await read(tidings.runtime.jetstream, EVENTS, subject, after=0)
    events = [json.loads(message.data) for message in page]
    return [event for event in events if event["source"] == SOURCE]


async def _are(tidings: Tidings, expected: list[tuple[str, str | None]]) -> bool:
    return sorted(await deliveries(tidings), key=str) == sorted(expected, key=str)
