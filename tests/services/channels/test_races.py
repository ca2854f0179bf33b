"""Races with a due: what was acknowledged before it counts, to the millisecond."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.contracts.codec import decode_entry, instant
from tidings.contracts.deliveries import decode_delivery_entry
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS, Person
from tidings.runtime.log.read import read
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Client, Tidings
from tests.services.channels.mailbox import running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import deliveries
from tests.services.channels.test_random_kills import Log
from tests.waiting import wait_until

USERS = [f"u-{number}" for number in range(16)]
ROUNDS = 4
DELAY = timedelta(seconds=1)
AROUND_SECONDS = 0.006
HELD_UP_SECONDS = 0.3
UNDERWAY_SECONDS = 0.008
"""About how long a request takes until it is in the log."""


async def test_what_is_acknowledged_before_a_due_counts(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    dice = random.Random(20261202)
    await tidings.emit(
        *(
            event
            for user in USERS
            for event in (
                make_event("user.joined", user_id=user, email=f"{user}.{tidings.tenant}@x.example"),
                _preference(user, "unread", after_seconds=int(DELAY.total_seconds())),
            )
        )
    )
    clients = [await tidings.connect(user) for user in USERS]
    for client in clients:
        await client.live()
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        for number in range(ROUNDS):
            await tidings.emit(*(make_announcement(user, title="Race") for user in USERS))
            async with asyncio.TaskGroup() as group:
                group.create_task(_hold_up_the_inboxes(tidings))
                for user, client in zip(USERS, clients, strict=True):
                    is_last = number == ROUNDS - 1 and user in USERS[::2]
                    act = _unsubscribe if is_last else _mark
                    group.create_task(act(tidings, client, user, number + 1, dice))
        await wait_until(lambda: _are_settled(tidings))
        mailed = {str(each.message["Message-ID"])[1:].partition("@")[0] for each in mailbox.mails}

    log, unsubscribed = await _read_log(tidings)
    assert len(log.delivery_of) == len(USERS) * ROUNDS
    states = {
        delivery: [(each.state, each.attempt) for each in decided]
        for delivery, decided in log.decisions.items()
    }
    assert [each for each, found in states.items() if len(found) != len(set(found))] == []
    assert mailed <= {each for each, found in states.items() if ("ordered", 1) in found}
    early = {
        notification: due - acknowledged
        for notification, delivery in log.delivery_of.items()
        if ("ordered", 1) in states[delivery]
        and (due := log.due[delivery])
        and (acknowledged := log.read_at.get(notification) or unsubscribed.get(delivery, due))
        and acknowledged < due
    }
    assert early == {}


async def _mark(_: Tidings, client: Client, user: str, count: int, dice: random.Random) -> None:
    entry = await _wait_until_due(client, count, dice)
    await client.send(
        {"type": "mark", "op": f"{user}-{count}", "state": "read", "ids": [entry["id"]]}
    )


async def _unsubscribe(
    tidings: Tidings, client: Client, user: str, count: int, dice: random.Random
) -> None:
    await _wait_until_due(client, count, dice)
    await tidings.emit(_preference(user, "never"))


async def _wait_until_due(client: Client, count: int, dice: random.Random) -> dict[str, str]:
    """Wait until just before or after the newest notification's mail is due; return its entry."""
    found = [each for each in await client.until(2 * count - 1) if each["entry"] != "mark"]
    entry = found[-1]
    due = datetime.fromisoformat(entry["created"]) + DELAY
    await _sleep_until(due, dice.uniform(-AROUND_SECONDS, AROUND_SECONDS) - UNDERWAY_SECONDS)
    return entry


async def _hold_up_the_inboxes(tidings: Tidings) -> None:
    """Keep marks from becoming rows from shortly before the mails are due until after it."""
    await asyncio.sleep(DELAY.total_seconds() - HELD_UP_SECONDS / 2)
    async with tidings.runtime.postgres.transaction() as connection:
        await connection.execute("LOCK TABLE inbox.notification IN EXCLUSIVE MODE")
        await asyncio.sleep(HELD_UP_SECONDS)


async def _sleep_until(moment: datetime, later_seconds: float) -> None:
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds() + later_seconds)


def _preference(user: str, how: str, **more: Any) -> dict[str, object]:
    return make_event("preference.set", user_id=user, of="all", channel="email", how=how, **more)


async def _are_settled(tidings: Tidings) -> bool:
    states = [state for state, _ in await deliveries(tidings)]
    return len(states) == len(USERS) * ROUNDS and set(states) <= {"sent", "dropped"}


async def _read_log(tidings: Tidings) -> tuple[Log, dict[str, datetime]]:
    """Return what the logs say, and of each last delivery when its user unsubscribed."""
    jetstream, subjects = tidings.runtime.jetstream, tidings.runtime.settings.subjects
    log, unsubscribed = Log(), dict[str, datetime]()
    for user in USERS:
        person = Person(tidings.tenant, user)
        for message in await read(
            jetstream, NOTIFICATIONS, subjects.inbox_subject(person), after=0
        ):
            log.take_entry(decode_entry(message.data), instant(message.time_nanoseconds))
        before = set(log.due)
        subject = subjects.delivery_subject(person)
        for message in await read(jetstream, NOTIFICATIONS, subject, after=0):
            log.take_delivery(decode_delivery_entry(message.data))
        if at := await _unsubscribed_at(tidings, user):
            last = max(set(log.due) - before, key=lambda delivery: log.due[delivery])
            unsubscribed[last] = at
    return log, unsubscribed


async def _unsubscribed_at(tidings: Tidings, user: str) -> datetime | None:
    prefix = tidings.runtime.settings.subjects.event_prefix(tidings.tenant)
    for message in await read(tidings.runtime.jetstream, EVENTS, f"{prefix}.>", after=0, limit=500):
        if b'"never"' in message.data and f'"{user}"'.encode() in message.data:
            return instant(message.time_nanoseconds)
    return None
