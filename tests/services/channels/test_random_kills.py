"""Channels killed at any moment: each mail is decided once, none is lost, each double is known.

`CHANNELS_KILLS` sets the number of kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from tidings.contracts.codec import decode_entry, instant
from tidings.contracts.deliveries import Decided, DeliveryEntry, Outcome, Planned
from tidings.contracts.deliveries import decode_delivery_entry as decode_delivery
from tidings.contracts.notifications import Entry, Mark, Notification
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.processes.up import child_environment
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Client, Tidings
from tests.services.channels.mailbox import Mailbox, serve_mailbox, with_relay
from tests.waiting import wait_until

KILLS = int(os.environ.get("CHANNELS_KILLS", "6"))
USERS = [f"u-{number}" for number in range(8)]
DELAY_SECONDS = 2
EVENTS_A_KILL = 12
AROUND_DUE_SECONDS = 0.2


class Log:
    """What the logs of a tenant's people say."""

    def __init__(self) -> None:
        self.entries: dict[str, list[DeliveryEntry]] = defaultdict(list)
        """By delivery, in the order of the log."""
        self.delivery_of: dict[str, str] = {}
        self.due: dict[str, datetime] = {}
        self.read_at: dict[str, datetime] = {}
        self.notifications: set[str] = set()

    def take_entry(self, entry: Entry, at: datetime) -> None:
        """Note a notification, or when it was read."""
        match entry:
            case Notification():
                self.notifications.add(entry.id)
            case Mark(state="read"):
                for each in entry.ids:
                    self.read_at.setdefault(each, at)
            case _:
                pass

    def take_delivery(self, entry: DeliveryEntry) -> None:
        """Note what was planned, decided or done."""
        if isinstance(entry, Planned):
            (step,) = entry.steps
            self.delivery_of[entry.notification] = step.delivery
            self.entries[step.delivery].append(entry)
            if step.until:
                self.due[step.delivery] = step.until
        else:
            self.entries[entry.delivery].append(entry)

    @property
    def decisions(self) -> dict[str, list[Decided]]:
        """The decisions of each delivery."""
        return {
            delivery: [each for each in entries if isinstance(each, Decided)]
            for delivery, entries in self.entries.items()
        }

    def has_outcome(self, delivery: str, state: str) -> bool:
        """Return whether an attempt of a delivery came to a state."""
        return any(
            isinstance(each, Outcome) and each.state == state for each in self.entries[delivery]
        )

    @property
    def settled(self) -> bool:
        """Whether each notification is planned, and each delivery sent or dropped."""
        return len(self.delivery_of) == len(self.notifications) and all(
            self.has_outcome(delivery, "sent")
            or any(decided.state == "dropped" for decided in self.decisions[delivery])
            for delivery in self.delivery_of.values()
        )


async def test_kills_lose_and_double_nothing(tidings: Tidings, chosen: Settings, url: str) -> None:
    dice = random.Random(20261201)
    await tidings.emit(
        *(
            event
            for user in USERS
            for event in (
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
        )
    )
    readers = [await tidings.connect(user) for user in USERS]
    async with serve_mailbox() as (mailbox, port):
        settings = with_relay(chosen, port)
        async with asyncio.TaskGroup() as group:
            marking = [group.create_task(_mark_around_due(each, dice)) for each in readers]
            async with running_process(settings):
                pass  # the first one sets where the partitions begin
            for _ in range(KILLS):
                await _live_and_die(tidings, settings, dice)
            async with running_process(settings):
                await wait_until(lambda: _is_settled(tidings))
            for task in marking:
                task.cancel()
        log = await _read_log(tidings)

    assert [len(found) for found in log.decisions.values() if not found] == []
    assert _decided_twice(log) == []
    assert _mailed_though_read(log, mailbox) == []
    assert _doubled_beyond_doubt(log, mailbox) == []
    assert {each.subject for each in mailbox.mails} <= {
        f"Number {number}" for number in range(KILLS * EVENTS_A_KILL)
    }
    assert any(log.has_outcome(each, "sent") for each in log.entries)


async def _live_and_die(tidings: Tidings, settings: Settings, dice: random.Random) -> None:
    async with running_process(settings) as process:
        for _ in range(EVENTS_A_KILL):
            number = next(_numbers)
            user = dice.choice(USERS)
            await tidings.emit(make_announcement(user, title=f"Number {number}"))
            await asyncio.sleep(dice.uniform(0, 0.2))
        await asyncio.sleep(dice.uniform(0, DELAY_SECONDS))
        process.send_signal(signal.SIGKILL)


async def _mark_around_due(client: Client, dice: random.Random) -> None:
    """Mark every second notification read, shortly before or after its mail is due."""
    await client.live()
    seen = 0
    async with asyncio.TaskGroup() as group:
        while True:
            entries = await client.until(seen + 1)
            for entry in entries[seen:]:
                if entry["entry"] == "notification" and dice.random() < 0.5:
                    around = dice.uniform(-AROUND_DUE_SECONDS, AROUND_DUE_SECONDS)
                    group.create_task(_mark_later(client, entry["id"], DELAY_SECONDS + around))
            seen = len(entries)


async def _mark_later(client: Client, notification: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await client.send(
        {"type": "mark", "op": f"op-{notification}", "state": "read", "ids": [notification]}
    )


@asynccontextmanager
async def running_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `tidings channels` while the block lasts; yields once it leads; then it is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tidings.cli", "channels"),
        env=child_environment(settings, 0),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        while not (line := await process.stdout.readline()).startswith(b"ready"):
            assert line, "the process ended before it was ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_settled(tidings: Tidings) -> bool:
    return (await _read_log(tidings)).settled


async def _read_log(tidings: Tidings) -> Log:
    subjects, log = tidings.runtime.settings.subjects, Log()
    for user in USERS:
        person = Person(tidings.tenant, user)
        for message in await _read_all(tidings, subjects.inbox_subject(person)):
            log.take_entry(decode_entry(message.data), instant(message.time_nanoseconds))
        for message in await _read_all(tidings, subjects.delivery_subject(person)):
            log.take_delivery(decode_delivery(message.data))
    return log


async def _read_all(tidings: Tidings, subject: str) -> list[StreamMessage]:
    after, found = 0, list[StreamMessage]()
    while page := await read(tidings.runtime.jetstream, NOTIFICATIONS, subject, after=after):
        found += page
        after = page[-1].sequence
    return found


def _decided_twice(log: Log) -> list[str]:
    """Return deliveries that were planned twice, or ordered twice for the same attempt, or that
    anything was stated of once they were dropped.
    """
    twice = list[str]()
    for delivery, entries in log.entries.items():
        states = [(each.state, each.attempt) for each in log.decisions[delivery]]
        planned = sum(isinstance(each, Planned) for each in entries)
        repeated = len(states) != len(set(states))
        dropped = [isinstance(each, Decided) and each.state == "dropped" for each in entries]
        if planned != 1 or repeated or any(dropped[:-1]):
            twice.append(delivery)
    return twice


def _mailed_though_read(log: Log, mailbox: Mailbox) -> list[str]:
    """Return notifications that were mailed though they were read before the mail was due."""
    mailed = _mails_by_delivery(mailbox)
    return [
        notification
        for notification, delivery in log.delivery_of.items()
        if delivery in mailed
        and notification in log.read_at
        and log.read_at[notification] < log.due[delivery]
    ]


def _doubled_beyond_doubt(log: Log, mailbox: Mailbox) -> list[str]:
    """Return deliveries with more mails than one, and one for each attempt in doubt."""
    return [
        delivery
        for delivery, count in _mails_by_delivery(mailbox).items()
        if count
        > 1
        + sum(
            isinstance(each, Outcome) and each.state == "doubtful" for each in log.entries[delivery]
        )
    ]


def _mails_by_delivery(mailbox: Mailbox) -> Counter[str]:
    return Counter(str(mail.message["Message-ID"])[1:].partition("@")[0] for mail in mailbox.mails)


_numbers = iter(range(1_000_000))
