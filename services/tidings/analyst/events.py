"""Events for analysts: the log from a sequence on, as it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from difflib import get_close_matches

from tidings.client.jetstream import JetStream
from tidings.contracts.codec import unknown_type_message
from tidings.contracts.ids import escape, unescape
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.domains import EVENTS as DOMAIN_EVENTS
from tidings.runtime.errors import Permanent
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.read import last_message, read
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime


class NoSuchEvents(Permanent):
    """The log has no event of a tenant or a type."""


async def tail_events(
    runtime: Runtime, tenant: str | None, type_: str | None, after: int | None
) -> AsyncGenerator[StreamMessage]:
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
) -> AsyncGenerator[StreamMessage]:
    """Yield all events after a sequence, up to the present head."""
    head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
    subject = _subject(runtime, tenant, type_)
    while page := await read(runtime.jetstream, EVENTS, subject, after=after, leader_ends=True):
        for message in page:
            if message.sequence > head:
                return
            yield message
        after = page[-1].sequence


async def unknown_name(runtime: Runtime, tenant: str | None, type_: str | None) -> str | None:
    """Return what is wrong with a tenant or a type that the log has no event of, None if it has.

    It names the nearest ones that the log has.
    """
    jetstream = runtime.jetstream
    if tenant and await last_message(jetstream, EVENTS, _subject(runtime, tenant, None)) is None:
        tenants = [unescape(subject.split(".")[2]) for subject in await _some_subjects(jetstream)]
        near = get_close_matches(tenant, sorted(set(tenants)))
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"the log has no event of the tenant `{tenant}`{hint}"
    if type_ and await last_message(jetstream, EVENTS, _subject(runtime, tenant, type_)) is None:
        known = any(shape.type == type_ for shape in DOMAIN_EVENTS)
        whose = f" of the tenant `{tenant}`" if tenant else ""
        return f"the log has no event `{type_}`{whose}" if known else unknown_type_message(type_)
    return None


async def _some_subjects(jetstream: JetStream) -> list[str]:
    """Return the first page of the subjects of events, which is enough for a suggestion."""
    answer = await jetstream.call_api(f"STREAM.INFO.{EVENTS}", {"subjects_filter": EVERY_EVENT})
    return list(answer["state"].get("subjects") or {})


def _subject(runtime: Runtime, tenant: str | None, type_: str | None) -> str:
    prefix = runtime.settings.subjects.event_prefix(tenant) if tenant else "events.*.*"
    domain, _, action = (type_ or "").partition(".")
    return f"{prefix}.{escape(domain) if domain else '*'}.*.{escape(action) if action else '*'}"
