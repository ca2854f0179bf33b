"""Events for analysts: the log from a sequence on, as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from tidings.contracts.ids import escape
from tidings.contracts.subjects import EVENTS
from tidings.runtime.log.follow import StreamMessage, follow, stream_state
from tidings.runtime.log.read import read
from tidings.runtime.process import Runtime


async def tail_events(
    runtime: Runtime, tenant: str | None, type_: str | None, after: int | None
) -> AsyncIterator[StreamMessage]:
    """Yield events as they are appended, from now on or after a sequence, without end."""
    head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
    subject = _subject(runtime, tenant, type_)
    start = head if after is None else min(after, head)
    batches = follow(
        runtime.jetstream, EVENTS, (subject,), after=start, epoch=runtime.epochs[EVENTS]
    )
    async with aclosing(batches):
        async for batch in batches:
            for message in batch:
                yield message


async def export_events(
    runtime: Runtime, tenant: str | None, type_: str | None, after: int
) -> AsyncIterator[StreamMessage]:
    """Yield all events after a sequence, up to the present head."""
    head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
    subject = _subject(runtime, tenant, type_)
    while page := await read(runtime.jetstream, EVENTS, subject, after=after, leader_ends=True):
        for message in page:
            if message.sequence > head:
                return
            yield message
        after = page[-1].sequence


def _subject(runtime: Runtime, tenant: str | None, type_: str | None) -> str:
    prefix = runtime.settings.subjects.event_prefix(tenant) if tenant else "events.*.*"
    domain, _, action = (type_ or "").partition(".")
    return f"{prefix}.{escape(domain) if domain else '*'}.*.{escape(action) if action else '*'}"
