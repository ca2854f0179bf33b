"""Read the streams directly, without any service."""

from __future__ import annotations

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import (
    DEAD_LETTERS,
    EVENTS,
    NOTIFICATIONS,
    Person,
)
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read

from tests.driver import Tidings


async def read_all(
    jetstream: JetStream, stream: str, subject: str, after: int = 0
) -> list[StreamMessage]:
    """Read all messages of a subject after a sequence, page by page."""
    messages: list[StreamMessage] = []
    while page := await read(jetstream, stream, subject, after=after):
        messages += page
        after = page[-1].sequence
    return messages


async def read_stored_events(tidings: Tidings) -> list[StreamMessage]:
    """Read the events of the driver's tenant."""
    prefix = tidings.runtime.settings.subjects.event_prefix(tidings.tenant)
    return await read_all(tidings.runtime.jetstream, EVENTS, f"{prefix}.>")


async def read_entries(tidings: Tidings, user: str) -> list[StreamMessage]:
    """Read the whole log of one user of the tenant."""
    subject = tidings.runtime.settings.subjects.inbox_subject(Person(tidings.tenant, user))
    return await read_all(tidings.runtime.jetstream, NOTIFICATIONS, subject)


async def read_dead_letters(tidings: Tidings, sequence: int) -> list[StreamMessage]:
    """Read the dead letters of the event at a sequence."""
    return await read_all(tidings.runtime.jetstream, DEAD_LETTERS, f"dead.*.*.{sequence}")
