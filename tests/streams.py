"""What the streams hold, read past every service."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tidings.contracts.subjects import DEAD, EVENTS, NOTIFICATIONS, Person, events_prefix, inbox
from tidings.runtime.follow import Message
from tidings.runtime.read import read

from tests.driver import Tidings


async def stored(tidings: Tidings) -> list[Message]:
    """The events of the test's tenant."""
    prefix = events_prefix(tidings.tenant, tidings.runtime.settings.partitions)
    return [message async for message in _all(tidings, EVENTS, f"{prefix}.>")]


async def entries(tidings: Tidings, user: str) -> list[Message]:
    """The whole log of one of its users."""
    subject = inbox(Person(tidings.tenant, user), tidings.runtime.settings.partitions)
    return [message async for message in _all(tidings, NOTIFICATIONS, subject)]


async def dead(tidings: Tidings, sequence: int) -> list[Message]:
    """What was buried of the event at a sequence."""
    return [message async for message in _all(tidings, DEAD, f"dead.*.*.{sequence}")]


async def _all(tidings: Tidings, stream: str, subject: str) -> AsyncIterator[Message]:
    after = 0
    while page := await read(tidings.runtime.jetstream, stream, subject, after=after):
        for message in page:
            yield message
        after = page[-1].sequence
