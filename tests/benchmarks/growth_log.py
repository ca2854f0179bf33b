"""The log that `growth` measures: it grows in steps, and can be kept for the next run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.benchmarks.event_kinds import (
    TEAM_STATUS,
    USERS,
    append_events,
    encode_assignment,
    encode_joined,
)
from tests.benchmarks.system import System

TEAM_EVENTS = 4000
STATE = "growth.json"
BYTES_PER_EVENT = 6000
SERVER_BYTES = 4 * 1024**3
"""On disk: event, notification, rows and indexes, and the log of Postgres; more than measured."""


class KeptLog(msgspec.Struct):
    """A log that is kept for the next run, with the figures of its first size."""

    count: int = 0
    notifications: int = 0
    users: int = 0
    first: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class Log(NamedTuple):
    """A log that grows in steps: its number of assignments, of notifications of all events, and of
    users who joined.
    """

    running: System
    count: int
    notifications: int
    users: int

    async def extended(self, count: int, users: int) -> Log:
        """Append assignments to `users` users in turn up to a number of them."""
        joined = encode_joined(users)[self.users :] if users > self.users else []
        bodies = [encode_assignment(n, n + 1, users) for n in range(self.count, count)]
        await append_events(self.running, [*joined, *bodies])
        return Log(self.running, count, self.notifications + len(bodies), max(users, self.users))

    async def with_teams_told(self) -> Log:
        """Append `TEAM_EVENTS` events to teams."""
        bodies = [TEAM_STATUS.body(n, self.count + n) for n in range(TEAM_EVENTS)]
        await append_events(self.running, bodies)
        told = len(bodies) * TEAM_STATUS.recipients
        return self._replace(notifications=self.notifications + told)


async def open_log(running: System, directory: Path | None) -> tuple[Log, dict[str, float]]:
    """Return the log that was kept, or a new one with its teams; and the first figures.

    Raises RuntimeError if the run before was killed while the log grew.
    """
    file = directory / STATE if directory else None
    if file is None or not file.exists():
        await append_events(running, TEAM_STATUS.setup)
        return Log(running, 0, TEAM_STATUS.setup_notifications, USERS), {}
    kept = msgspec.json.decode(file.read_bytes(), type=KeptLog)
    if await running.inbox_messages() != kept.notifications:
        raise RuntimeError(f"{directory} was left in the middle of a step; delete it")
    return Log(running, kept.count, kept.notifications, kept.users), kept.first


def keep_log(log: Log, first: dict[str, float], directory: Path | None) -> None:
    """Note in a directory how far its log has come; do nothing without one."""
    if directory:
        kept = KeptLog(log.count, log.notifications, log.users, first)
        (directory / STATE).write_bytes(msgspec.json.encode(kept))


def check_disk(events: int, kept_in: Path | None) -> None:
    """Raise RuntimeError unless the disk has room for all that a log of this size takes."""
    directory = kept_in or Path(os.environ.get("TMPDIR", "/tmp"))
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    needed = events * BYTES_PER_EVENT + SERVER_BYTES
    if free < needed:
        raise RuntimeError(
            f"{directory} has {free >> 30} GiB free; {events} events take {needed >> 30} GiB"
        )
