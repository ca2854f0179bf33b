"""Events for analysts: the log from a sequence on, as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from tidings.contracts.ids import escape
from tidings.contracts.subjects import EVENTS, events_prefix
from tidings.runtime.follow import Message, follow, state
from tidings.runtime.process import Runtime
from tidings.runtime.read import read


async def tail(
    runtime: Runtime, tenant: str | None, type_: str | None, after: int | None
) -> AsyncIterator[Message]:
    """Events as they are appended, from now on or after a sequence; without end."""
    head = (await state(runtime.jetstream, EVENTS)).last
    subject = _subject(runtime, tenant, type_)
    start = head if after is None else min(after, head)
    batches = follow(
        runtime.jetstream, EVENTS, (subject,), after=start, epoch=runtime.epochs[EVENTS]
    )
    async with aclosing(batches):
        async for batch in batches:
            for message in batch:
                yield message


async def export(
    runtime: Runtime, tenant: str | None, type_: str | None, after: int
) -> AsyncIterator[Message]:
    """All events after a sequence, up to the head as it is now."""
    head = (await state(runtime.jetstream, EVENTS)).last
    subject = _subject(runtime, tenant, type_)
    while page := await read(runtime.jetstream, EVENTS, subject, after=after):
        for message in page:
            if message.sequence > head:
                return
            yield message
        after = page[-1].sequence


def _subject(runtime: Runtime, tenant: str | None, type_: str | None) -> str:
    prefix = events_prefix(tenant, runtime.settings.partitions) if tenant else "events.*.*"
    domain, _, action = (type_ or "").partition(".")
    return f"{prefix}.{escape(domain) if domain else '*'}.*.{escape(action) if action else '*'}"
