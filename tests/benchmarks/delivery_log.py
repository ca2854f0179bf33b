"""People who want mails, notifications for them, and what the channels wrote about these."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.codec import decode_notification, encode
from tidings.contracts.deliveries import DeliveryEntry, decode_delivery_entry
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import DELIVERIES, EVENTS, INBOXES, NOTIFICATIONS, Person
from tidings.projections import PREFERENCES
from tidings.runtime.log.read import last_message, read
from tidings.runtime.log.state import stream_state
from tidings.runtime.readmodels.read_model import live_model

from tests.benchmarks.entries import append, notification
from tests.benchmarks.event_kinds import encode_event
from tests.benchmarks.system import TENANTS, System, make_draft, person

POLL_SECONDS = 0.05
SET_UP_SECONDS = 120.0
PAGE_MESSAGES = 1000
MAIL_SETTINGS = {
    "smtp_host": "127.0.0.1",
    "smtp_tls": "off",
    "email_from": "tidings@example.org",
    "email_bounces": "bounces@example.org",
    "channel_secret": "s" * 32,
    "public_url": "https://tidings.example.org",
}


class LoggedEntry(NamedTuple):
    """An entry about a delivery, and when it was appended, in seconds since 1970."""

    entry: DeliveryEntry
    at: float


async def set_up_people(running: System, users: Iterable[int], how: str, **more: Any) -> None:
    """Give users an address each, and their tenants a preference; wait until both are rows."""
    people, wanted = [person(number) for number in users], {"how": how, **more}
    events = [
        *(
            (each.tenant, "user.joined", {"user_id": each.user, "email": _mailbox(each)})
            for each in people
        ),
        *(
            (f"bench-{tenant}", "preference.set", {"of": "all", "channel": "email", **wanted})
            for tenant in range(TENANTS)
        ),
    ]
    await append_events(running, events)


async def append_events(running: System, events: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
    """Append events of a tenant, a type and data, and wait until they are settings."""
    drafts = [make_draft(encode_event(type_, tenant, data)) for tenant, type_, data in events]
    await append(running.runtime.appender(), drafts)
    head = (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence
    model = await live_model(running.runtime.postgres, PREFERENCES)
    epoch = running.runtime.epochs[EVENTS]
    async with asyncio.timeout(SET_UP_SECONDS):
        while (await model.checkpoint(running.runtime.postgres, epoch)).sequence < head:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


async def append_notifications(
    running: System, count: int, who: Callable[[int], Person], created: Callable[[int], datetime]
) -> int:
    """Append notifications and wait until they are rows; return the sequence before them."""
    before = (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
    event = (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence
    subjects = running.settings.subjects
    drafts: list[NewMessage] = []
    for number in range(count):
        draft = notification(number, who(number), subjects)
        body = msgspec.structs.replace(
            decode_notification(draft.data), created=created(number), event=event
        )
        drafts.append(NewMessage(draft.subject, encode(body)))
    await append(running.runtime.appender(), drafts)
    newest = await last_message(running.runtime.jetstream, NOTIFICATIONS, INBOXES)
    await running.wait_until_projected(newest.sequence if newest else 0)
    return before


async def read_entries(
    running: System,
    after: int,
    is_wanted: Callable[[DeliveryEntry], bool],
    count: int,
    seconds: float = 180.0,
) -> Sequence[LoggedEntry]:
    """Return so many entries about deliveries after a sequence; raises TimeoutError."""
    found: list[LoggedEntry] = []
    async with asyncio.timeout(seconds):
        async for entry in _entries(running, after):
            if is_wanted(entry.entry):
                found.append(entry)
            if len(found) == count:
                return found
    raise AssertionError("unreachable")


async def _entries(running: System, after: int) -> AsyncIterator[LoggedEntry]:
    jetstream = running.runtime.jetstream
    while True:
        page = await read(jetstream, NOTIFICATIONS, DELIVERIES, after=after, limit=PAGE_MESSAGES)
        for message in page:
            after = message.sequence
            yield LoggedEntry(decode_delivery_entry(message.data), message.time_nanoseconds / 1e9)
        if not page:
            await asyncio.sleep(POLL_SECONDS)


def _mailbox(user: Person) -> str:
    return f"{user.user}@example.org"
