"""Routing of an event that is not appended: the notifications that it would make, for whom."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, decode_entry, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Notification
from tidings.contracts.rules import Tell
from tidings.contracts.subjects import EVENTS, Person, owner_of, partition_events_subject
from tidings.domains import RULES
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.topics import Topics
from tidings.notifier.audience.trial import try_event
from tidings.notifier.partition.routing import (
    audience_query,
    messages,
    notifications_in,
    react,
    validate_templates,
)
from tidings.notifier.rendering.texts import Texts
from tidings.notifier.undelivered import explain_undelivered
from tidings.projections.audience.queries import PARTITION_CHECKPOINTS
from tidings.runtime.errors import Permanent, Unavailable
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime

WAIT_LIMIT_SECONDS = 5.0
POLL_SECONDS = 0.02
NO_TOPICS = Topics(0, 0, {})
"""Without topics each member has an own notification, with the same text."""


class UnroutableEvent(Permanent):
    """A rule cannot be applied to an event; the notifier would write it to the dead letters."""


class PersonalNotification(NamedTuple):
    """A notification, and whose it would be."""

    person: Person
    notification: Notification


class RoutingPreview(NamedTuple):
    """The notifications that an event would make; without any, `reason` says why."""

    notifications: list[PersonalNotification]
    reason: str


async def preview_routing(
    runtime: Runtime, message: NewMessage, texts: Texts, at: datetime
) -> RoutingPreview:
    """Route an event as if it were appended next, at a moment, and append nothing.

    Raises UnroutableEvent or Unavailable.
    """
    head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
    event = _recorded(message, head + 1, at)
    try:
        effects = react(event, RULES, runtime.settings.tenants_including_actor)
        validate_templates(effects, texts)
    except Exception as error:  # whatever a rule raises is what its author wants to see
        raise UnroutableEvent(f"a rule fails: {type(error).__name__}: {error}") from None
    await _wait_until_routed(runtime, message.subject)
    query = audience_query([(event, effects)], NO_TOPICS)
    trial = await try_event(runtime, event, query)
    if trial.first_seen is not None:
        return RoutingPreview([], f"the log has this event already, as event {trial.first_seen}")
    subjects = runtime.settings.subjects
    made = messages(event, effects, trial.audience, NO_TOPICS, subjects, texts)
    return RoutingPreview(
        [found for each in made if (found := _notification(each))],
        _reason(event, trial.audience, notifications_in(effects)),
    )


def _reason(event: AnyRecordedEvent, audience: Audience, tells: list[Tell]) -> str:
    if not tells:
        return f"no rule tells anybody of `{event.attributes.type}`"
    return explain_undelivered(event, tells, audience)


def _recorded(message: NewMessage, sequence: int, at: datetime) -> AnyRecordedEvent:
    nanoseconds = int(at.timestamp() * 1_000_000) * 1000
    try:
        return decode_recorded_event(message.data, sequence, nanoseconds, message.subject)
    except InvalidEvent as error:
        raise UnroutableEvent(str(error)) from None


def _notification(message: NewMessage) -> PersonalNotification | None:
    person, entry = owner_of(message.subject), decode_entry(message.data)
    if not isinstance(person, Person) or not isinstance(entry, Notification):
        return None
    return PersonalNotification(person, entry)


async def _wait_until_routed(runtime: Runtime, subject: str) -> None:
    """Wait until the tenant's events so far are routed, for they state who is told."""
    number = subject.split(".")[1]
    newest = await last_message(runtime.jetstream, EVENTS, partition_events_subject(int(number)))
    wanted = newest.sequence if newest else 0
    limit = asyncio.get_running_loop().time() + WAIT_LIMIT_SECONDS
    while True:
        async with runtime.postgres.connection() as connection:
            rows = await (await connection.execute(PARTITION_CHECKPOINTS)).fetchall()
        reached = dict(rows).get(number, 0)
        if reached >= wanted:
            return
        if asyncio.get_running_loop().time() > limit:
            raise Unavailable(
                f"events are routed up to {reached}, before {wanted}; does the notifier run?"
            )
        await asyncio.sleep(POLL_SECONDS)
