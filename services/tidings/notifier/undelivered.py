"""Undelivered events: which of the newest have rules but reached no recipient, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent, UnknownEvent
from tidings.contracts.rules import Effect, Tell
from tidings.contracts.subjects import EVENTS
from tidings.domains import RULES
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.member_rows import query_audience
from tidings.notifier.audience.topics import Topics
from tidings.notifier.partition.routing import (
    audience_query,
    excluded_actor,
    notifications_in,
    react,
    validate_templates,
)
from tidings.notifier.rendering.texts import Texts
from tidings.projections.audience.projection import AUDIENCE
from tidings.projections.audience.queries import PARTITION_CHECKPOINTS
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

NEWEST_EVENTS = 500
SHOWN_EVENTS = 3


class UndeliveredEvent(NamedTuple):
    """An event that notified no user, and why."""

    sequence: int
    type: str
    reason: str


async def check_undelivered(runtime: Runtime, texts: Texts) -> tuple[str, bool, str]:
    """Return the doctor's finding; never a failure, as an event may well notify no user."""
    head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
    try:
        routed = await _routed_sequences(runtime)
        messages = await _newest_events(runtime, head)
        undelivered = await find_undelivered(
            runtime,
            [
                message
                for message in messages
                if message.sequence <= routed.get(_partition(message), 0)
            ],
            texts,
        )
    except Unavailable as error:
        return "undelivered events", True, f"not known yet: {error}"
    return "undelivered events", True, _summary(undelivered, len(messages))


async def find_undelivered(
    runtime: Runtime, messages: Iterable[StreamMessage], texts: Texts
) -> list[UndeliveredEvent]:
    """Return the events that notified no user, in their order; raises Unavailable."""
    events = [event for message in messages if (event := _event(message))]
    tenants = runtime.settings.tenants_including_actor
    effects_of = [(event, _effects(event, texts, tenants)) for event in events]
    query = audience_query(effects_of, Topics(0, 0, {}))
    if not events:
        return []
    model = ReadModel(AUDIENCE, AUDIENCE.name)
    audience = await query_audience(
        runtime.postgres, model, query, events[0].sequence, events[-1].sequence
    )
    return [
        UndeliveredEvent(event.sequence, event.attributes.type, reason)
        for event, effects in effects_of
        if (reason := explain_undelivered(event, notifications_in(effects), audience))
    ]


def explain_undelivered(event: AnyRecordedEvent, tells: list[Tell], audience: Audience) -> str:
    """Return why an event notified no user; empty if it did, or if no rule says it should."""
    if isinstance(event.event, UnknownEvent):
        return "no domain has this type"
    everybody = {
        user
        for tell in tells
        for user in audience.recipients(event, tell.to, None, before=tell.as_of_previous)
    }
    if not tells or any(
        audience.recipients(event, tell.to, excluded_actor(event, tell), before=tell.as_of_previous)
        for tell in tells
    ):
        return ""
    if everybody:
        return "only its actor would have been notified"
    relations = [str(to) for tell in tells for to in tell.to if not isinstance(to, str)]
    return f"no user is in {', '.join(dict.fromkeys(relations))}"


def _effects(
    event: AnyRecordedEvent, texts: Texts, tenants_including_actor: frozenset[str]
) -> list[Effect]:
    try:
        effects = react(event, RULES, tenants_including_actor)
        validate_templates(effects, texts)
        return effects
    except Exception:  # the router has written such an event to the dead letters with the reason
        return []


def _event(message: StreamMessage) -> AnyRecordedEvent | None:
    try:
        return decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent:  # this one is a dead letter too
        return None


async def _newest_events(runtime: Runtime, head: int) -> list[StreamMessage]:
    """Return the newest events, up to the head."""
    messages: list[StreamMessage] = []
    after = max(0, head - NEWEST_EVENTS)
    while after < head and (page := await read(runtime.jetstream, EVENTS, "events.>", after=after)):
        messages += page
        after = page[-1].sequence
    return messages


async def _routed_sequences(runtime: Runtime) -> dict[str, int]:
    """Return the checkpoint of each partition."""
    async with runtime.postgres.connection() as connection:
        return dict(await (await connection.execute(PARTITION_CHECKPOINTS)).fetchall())


def _partition(message: StreamMessage) -> str:
    return message.subject.split(".")[1]


def _summary(undelivered: list[UndeliveredEvent], examined_count: int) -> str:
    if not undelivered:
        return f"none among the newest {examined_count}"
    newest = "; ".join(
        f"{event.sequence} ({event.type}): {event.reason}"
        for event in undelivered[: -SHOWN_EVENTS - 1 : -1]
    )
    return f"{len(undelivered)} of the newest {examined_count} notified no user: {newest}" + (
        "; …" if len(undelivered) > SHOWN_EVENTS else ""
    )
