"""Acks: gathers what devices have received, and appends the newest of each to the log."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from itertools import islice

from tidings.client.appender import Appender
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.notifications import SENT_DEVICE, DeliveryReceipt
from tidings.contracts.subjects import Person, Subjects
from tidings.edge.delivery.batcher import Batcher
from tidings.edge.delivery.hub import Hub
from tidings.runtime.errors import TidingsError

FLUSH_INTERVAL_SECONDS = 3.0
EXIT_FLUSH_TIMEOUT_SECONDS = 5.0
FLUSH_TIMEOUT_SECONDS = 1.0
DEVICES_LIMIT = 50_000

log = logging.getLogger("tidings.edge")

Device = tuple[Person, str]


class AckWriter:
    """The acks that one edge received; beyond `DEVICES_LIMIT` waiting devices, acks are ignored."""

    def __init__(self, appender: Appender, hub: Hub, epoch: str, subjects: Subjects) -> None:
        self._appender = appender
        self._hub = hub
        self._epoch = epoch
        self._subjects = subjects
        self._waiting: dict[Device, int] = {}
        self._written: dict[Device, int] = {}
        self._flushes: Batcher[Device, None] = Batcher(self._flush_devices)

    def record_ack(self, person: Person, device: str, cursor: Cursor) -> None:
        """Record that a device has everything up to a cursor.

        A cursor beyond the newest entry is recorded as that entry: heartbeats move the cursor on,
        and need no receipt while nothing new comes.
        """
        stream = self._hub.stream_of(person)
        newest = stream.newest_sequence if stream else cursor.sequence
        self._record_sequence((person, device), min(cursor.sequence, newest))

    def record_sent(self, person: Person, sequence: int) -> None:
        """Record that everything up to a sequence has been sent to some device of a user."""
        self._record_sequence((person, SENT_DEVICE), sequence)

    def _record_sequence(self, device: Device, sequence: int) -> None:
        """Keep a sequence to be appended, unless the device had as much before."""
        if sequence > self.acknowledged_sequence(*device) and (
            device in self._waiting or len(self._waiting) < DEVICES_LIMIT
        ):
            self._waiting[device] = sequence

    def acknowledged_sequence(self, person: Person, device: str) -> int:
        """Return up to where a device has everything, by the acks of this edge; 0 without one."""
        whose = (person, device)
        return max(self._waiting.get(whose, 0), self._written.get(whose, 0))

    async def run(self) -> None:
        """Append the gathered acks at intervals until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL_SECONDS)
            await self.flush()

    async def flush_sent(self, person: Person) -> None:
        """Append now what has been sent to a user, as far as that succeeds in a moment.

        A client that leaves may ask another edge at once, which reads it from the log.
        """
        if (person, SENT_DEVICE) in self._waiting:
            with suppress(TimeoutError, TidingsError):
                async with asyncio.timeout(FLUSH_TIMEOUT_SECONDS):
                    await self._flushes.submit((person, SENT_DEVICE))

    async def flush_before_exit(self) -> None:
        """Append the rest before the process ends; gives up after `EXIT_FLUSH_TIMEOUT_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_FLUSH_TIMEOUT_SECONDS):
                await self.flush()

    async def flush(self) -> None:
        """Append all gathered acks; those that cannot be appended now wait for the next flush."""
        while waiting := list(islice(self._waiting, BATCH_LIMIT_MESSAGES)):
            try:
                await self._flush_devices(waiting)
            except TidingsError as problem:
                log.warning("%d acks wait: %s", len(self._waiting), problem)
                return

    async def _flush_devices(self, devices: list[Device]) -> list[None]:
        """Append what is gathered of some devices; raises TidingsError."""
        batch = {device: self._waiting[device] for device in devices if device in self._waiting}
        if batch:
            await self._appender.append_batch([self._draft(*item) for item in batch.items()])
            self._mark_written(batch)
        return [None] * len(devices)

    def _draft(self, whose: Device, sequence: int) -> NewMessage:
        person, device = whose
        return NewMessage(
            self._subjects.receipt_subject(person),
            encode(DeliveryReceipt(device=device, cursor=f"{self._epoch}-{sequence}")),
        )

    def _mark_written(self, written: dict[Device, int]) -> None:
        if len(self._written) > DEVICES_LIMIT:
            self._written.clear()  # costs some repeated receipts, which change nothing
        self._written |= written
        for whose, sequence in written.items():
            if self._waiting.get(whose) == sequence:
                del self._waiting[whose]
