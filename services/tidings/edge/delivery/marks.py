"""Marks: append what a user did with their notifications, and wait until this edge shows it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import quote

from tidings.client.appender import Appender
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import MarkOperation
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import Person
from tidings.edge.delivery.log_reader import LogReader

SHOW_TIMEOUT_SECONDS = 1.0
SHOW_POLL_SECONDS = 0.002


class Marks:
    """Appends marks to the logs of users."""

    def __init__(self, appender: Appender, log: LogReader) -> None:
        self._appender = appender
        self._log = log

    async def append_mark(self, person: Person, operation: MarkOperation, now: datetime) -> Cursor:
        """Append a mark, wait until it shows here, and return its cursor.

        Raises InvalidMark, Unreplayable or Unavailable.
        """
        mark = operation.to_mark(now)
        if operation.up_to:
            await self._log.check_cursor(Cursor.parse(operation.up_to), person)
        subject = self._log.subject_of(person)
        identifier = quote(f"mark/{subject}/{operation.op}")
        appended = await self._appender.append(NewMessage(subject, encode(mark), id=identifier))
        await self._wait_until_shown(appended.sequence)
        return Cursor(self._log.epoch_of(person), appended.sequence)

    async def _wait_until_shown(self, sequence: int) -> None:
        """Wait, for a second at most, until the ring has reached a sequence."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SHOW_TIMEOUT_SECONDS
        # The log's messages arrive in milliseconds or not at all: polling needs no waiters to wake.
        while self._log.ring.head < sequence and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(SHOW_POLL_SECONDS)
