"""Routed events: an event with the effects of its rules, and the outputs that it makes; pure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.messages import NewMessage
from tidings.contracts.rules import Effect, by_event_type
from tidings.domains import RULES
from tidings.notifier.partition.routing import MissingTemplateValue, react, validate_templates
from tidings.notifier.rendering.texts import Texts
from tidings.runtime.log.fenced_writer import Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position

RULES_BY_EVENT = by_event_type(RULES)

log = logging.getLogger("tidings.notifier")


class RoutedEvent(NamedTuple):
    """An event and its effects; `problem` says why it cannot be decoded or routed."""

    message: StreamMessage
    event: AnyRecordedEvent | None
    effects: list[Effect]
    problem: str = ""


def apply_rules(
    message: StreamMessage, texts: Texts, tenants_including_actor: frozenset[str]
) -> RoutedEvent:
    """Return the event of a message with the effects of its rules, or with a problem."""
    try:
        event = decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent as error:
        return RoutedEvent(message, None, [], str(error))
    return _react_to(message, event, texts, tenants_including_actor)


def _react_to(
    message: StreamMessage,
    event: AnyRecordedEvent,
    texts: Texts,
    tenants_including_actor: frozenset[str],
) -> RoutedEvent:
    """Apply the rules; the event's relations count even if it cannot be routed."""
    try:
        rules = RULES_BY_EVENT.get(event.event.__class__, ())
        effects = react(event, rules, tenants_including_actor)
        validate_templates(effects, texts)
        return RoutedEvent(message, event, effects)
    except MissingTemplateValue as error:
        return RoutedEvent(message, event, [], str(error))
    except Exception as error:  # a faulty rule must not stop the events behind this one
        log.exception("a rule failed on event %d", message.sequence)
        return RoutedEvent(message, event, [], f"a rule failed: {type(error).__name__}: {error}")


def outputs_of(
    event: AnyRecordedEvent, messages: Iterator[NewMessage], done: int
) -> Iterator[Output]:
    """Return an event's outputs after the first `done`; the last one reaches the next event."""
    before: NewMessage | None = None
    offset = 0
    for draft in messages:
        if before and offset > done:
            yield Output(before, Position(event.sequence, offset))
        before, offset = draft, offset + 1
    if before and offset > done:
        yield Output(before, Position(event.sequence))
