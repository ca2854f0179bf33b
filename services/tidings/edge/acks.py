"""Acks: what devices say they have, gathered for a moment, then appended to the log; of each device, only the newest."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from itertools import islice

from tidings.contracts.codec import encode
from tidings.contracts.notifications import Delivered
from tidings.contracts.subjects import Person, receipt
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Appender, Draft
from tidings.runtime.errors import TidingsError

GATHER_SECONDS = 3.0
LAST_SECONDS = 5.0
DEVICES_LIMIT = 50_000

log = logging.getLogger("tidings.edge")

Device = tuple[Person, str]


class Acks:
    """The acks that one edge took. When more than 50 000 devices wait, further ones must say it again."""

    def __init__(self, appender: Appender, epoch: str, partitions: int) -> None:
        self._appender = appender
        self._epoch = epoch
        self._partitions = partitions
        self._waiting: dict[Device, int] = {}
        self._written: dict[Device, int] = {}
        self._hurried = asyncio.Event()

    def take(self, person: Person, device: str, sequence: int) -> None:
        """A device has everything up to a sequence; less than it had before says nothing new."""
        whose = (person, device)
        if sequence > self.known(person, device) and (
            whose in self._waiting or len(self._waiting) < DEVICES_LIMIT
        ):
            self._waiting[whose] = sequence

    def known(self, person: Person, device: str) -> int:
        """Up to where a device has everything, as far as this edge was told; 0 if it was not."""
        whose = (person, device)
        return max(self._waiting.get(whose, 0), self._written.get(whose, 0))

    def hurry(self) -> None:
        """Append what was gathered now: somebody may ask another edge in a moment."""
        self._hurried.set()

    async def run(self) -> None:
        """Append now and then what was gathered, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._hurried.wait()
            self._hurried.clear()
            await self.flush()

    async def finish(self) -> None:
        """Append what is left, before the process ends, as far as that can be done in a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self.flush()

    async def flush(self) -> None:
        """Append all that was gathered; what cannot be appended now waits for the next time."""
        while taken := dict(islice(self._waiting.items(), BATCH_LIMIT_MESSAGES)):
            try:
                await self._appender.append_batch([self._draft(*each) for each in taken.items()])
            except TidingsError as problem:
                log.warning("%d acks wait: %s", len(self._waiting), problem)
                return
            self._settle(taken)

    def _draft(self, whose: Device, sequence: int) -> Draft:
        person, device = whose
        return Draft(
            receipt(person, self._partitions),
            encode(Delivered(device=device, cursor=f"{self._epoch}-{sequence}")),
        )

    def _settle(self, written: dict[Device, int]) -> None:
        if len(self._written) > DEVICES_LIMIT:
            self._written.clear()  # then some are written once more
        self._written |= written
        for whose, sequence in written.items():
            if self._waiting[whose] == sequence:
                del self._waiting[whose]
