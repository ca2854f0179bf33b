"""Routing: from a recorded event, by the rules, to what is appended to whose log; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw

from contracts.codec import encode, instant
from contracts.events import AnyRecorded
from contracts.ids import NotificationIds
from contracts.notifications import TITLE_LIMIT_CHARACTERS, Notification, Shared
from contracts.subjects import Person, Topic, inbox, shared
from services.notifier.audience import Folded
from services.notifier.rule import Relation, Rule, Tell
from services.notifier.topics import Topics
from services.runtime.append import Draft

NIL = "00000000-0000-0000-0000-000000000000"
LINE_BREAKS = b"\r\n"
SPLIT = (f'"id":"{NIL}"'.encode(), b'"user":""')


class Told(NamedTuple):
    """What one rule says of one event."""

    rule: str
    tell: Tell


def react(recorded: AnyRecorded, rules: Iterable[Rule]) -> list[Told]:
    """What the rules say of an event; they see nothing but the event."""
    return [Told(rule.name, tell) for rule in rules if rule.on is type(recorded.event) for tell in rule.tell(recorded)]


def relations(recorded: AnyRecorded, told: Iterable[Told], topics: Topics) -> Iterator[tuple[str, Relation]]:
    """The relations whose members must be known."""
    return ((recorded.tenant, each) for _, tell in told for each in topics.asks(recorded, tell))


def drafts(recorded: AnyRecorded, told: Iterable[Told], folded: Folded, topics: Topics, partitions: int) -> Iterator[Draft]:
    """What becomes of topics, then one message a topic or recipient; in an order that is the same whenever the event is routed."""
    yield from topics.drafts(recorded, folded, partitions)
    for rule, tell in told:
        ids = NotificationIds(recorded.key, rule)
        topic = topics.shared(recorded, tell)
        yield from _to_topic(recorded, tell, ids, topic) if topic else _to_each(recorded, tell, ids, folded, partitions)


def _to_topic(recorded: AnyRecorded, tell: Tell, ids: NotificationIds, topic: Topic) -> Iterator[Draft]:
    notification = _notification(recorded, tell, ids.of(f"@{topic.relation}"))
    left_out = None if tell.actor_too else recorded.attributes.actor
    yield Draft(shared(topic), encode(Shared(left_out=left_out, notification=Raw(encode(notification)))))


def _to_each(recorded: AnyRecorded, tell: Tell, ids: NotificationIds, folded: Folded, partitions: int) -> Iterator[Draft]:
    before, between, behind = _template(recorded, tell)
    for user in folded.recipients(recorded, tell.to, tell.actor_too):
        body = b'%b"id":"%b"%b"user":%b%b' % (before, ids.of(user).encode(), between, encode(user), behind)
        yield Draft(inbox(Person(recorded.tenant, user), partitions), body)


def _template(recorded: AnyRecorded, tell: Tell) -> tuple[bytes, bytes, bytes]:
    """The notification encoded once, cut where each recipient's own id and name go."""
    before, rest = encode(_notification(recorded, tell, NIL)).split(SPLIT[0], 1)
    between, behind = rest.rsplit(SPLIT[1], 1)
    return before, between, behind


def _notification(recorded: AnyRecorded, tell: Tell, identifier: str) -> Notification:
    attributes = recorded.attributes
    return Notification(
        id=identifier,
        event=recorded.sequence,
        type=attributes.type,
        category=tell.category,
        level=tell.level,
        priority=tell.priority,
        title=_short(tell.title),
        message=tell.message,
        data=_shown(attributes.data, tell.hidden),
        entity=tell.entity,
        references=tell.references,
        actor=attributes.actor,
        group=tell.group,
        tenant=recorded.tenant,
        user="",
        created=instant(recorded.time_nanoseconds),
        occurred=attributes.time,
        expires=tell.expires,
    )


def _shown(data: Raw, hidden: tuple[str, ...]) -> Raw:
    """An event's data without some of its fields, on one line: in an event stream a line break ends it."""
    if hidden:
        fields = msgspec.json.decode(data, type=dict[str, Raw])
        data = Raw(encode({name: value for name, value in fields.items() if name not in hidden}))
    return Raw(bytes(data).translate(None, LINE_BREAKS))


def _short(title: str) -> str:
    return title if len(title) <= TITLE_LIMIT_CHARACTERS else title[: TITLE_LIMIT_CHARACTERS - 1] + "…"
