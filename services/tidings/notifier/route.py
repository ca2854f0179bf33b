"""Routing: from a recorded event, by the rules, to what is appended to whose log; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw
from tidings.contracts.codec import encode, instant
from tidings.contracts.events import AnyRecorded
from tidings.contracts.ids import NotificationIds
from tidings.contracts.notifications import (
    TITLE_LIMIT_CHARACTERS,
    Action,
    Mark,
    Notification,
    Shared,
)
from tidings.contracts.subjects import Person, Topic, inbox, shared
from tidings.notifier.audience import Asked, Folded
from tidings.notifier.groups import Open
from tidings.notifier.rule import Authored, Press, Relation, Retract, Rule, Tell
from tidings.notifier.texts import FALLBACK, label, texts
from tidings.notifier.topics import Topics
from tidings.projections.groups import belongs
from tidings.runtime.append import Draft

NIL = "00000000-0000-0000-0000-000000000000"
LINE_BREAKS = b"\r\n"
NO_WORDS = ("", "")
SPLIT = (f'"id":"{NIL}"'.encode(), b'"title":"","message":""', b'"user":""')


class Shell(NamedTuple):
    """A notification encoded once, cut where each locale's words, and each recipient's own id and name go."""

    before: bytes
    id_to_words: bytes
    words_to_name: bytes
    behind: bytes

    def between(self, title: str, message: str) -> bytes:
        """What stands between id and name, with what is said."""
        return b'%b"title":%b,"message":%b%b' % (
            self.id_to_words,
            encode(_short(title)),
            encode(message),
            self.words_to_name,
        )


class Unsayable(ValueError):
    """A rule gives a template less than it needs."""


class Told(NamedTuple):
    """What one rule says of one event."""

    rule: str
    tell: Tell


class Taken(NamedTuple):
    """What one rule takes back with one event."""

    rule: str
    retract: Retract


class Shown(NamedTuple):
    """Which button one rule says was pressed."""

    rule: str
    press: Press


Said = Told | Taken | Shown


def react(recorded: AnyRecorded, rules: Iterable[Rule]) -> list[Said]:
    """What the rules say of an event; they see nothing but the event."""
    return [
        _said(rule, each)
        for rule in rules
        if rule.on is type(recorded.event)
        for each in rule.tell(recorded)
    ]


def told_of(said: Iterable[Said]) -> list[Told]:
    """Of all that is said, what is told."""
    return [each for each in said if isinstance(each, Told)]


def check(said: Iterable[Said]) -> None:
    """Find out whether all of it can be said in every locale; raises Unsayable, or what a value raises that cannot be written."""
    for rule, tell in told_of(said):
        if isinstance(tell.says, Authored):
            continue
        if missing := texts().missing((rule, tell.wording), tell.says):
            raise Unsayable(
                f"the template {rule}.{tell.wording} has no value for {', '.join(missing)}"
            )
        texts().write(tell.says)


def asks(recorded: AnyRecorded, said: Iterable[Said], topics: Topics, asked: Asked) -> None:
    """Ask for the members of the relations that are told or end, and for what those speak who are told in words of ours."""
    for each in topics.ending(recorded):
        asked.members(recorded.tenant, each, False)
    for each in said:
        match each:
            case Taken(_, retract):
                _asks_whom(recorded, retract, asked)
            case Told(_, tell):
                _asks_of(recorded, tell, topics, asked)
            case Shown():
                pass


def _asks_whom(recorded: AnyRecorded, retract: Retract, asked: Asked) -> None:
    for each in (*retract.to, *retract.unless):
        if isinstance(each, Relation):
            asked.members(recorded.tenant, each, False)


def _asks_of(recorded: AnyRecorded, tell: Tell, topics: Topics, asked: Asked) -> None:
    translated = not isinstance(tell.says, Authored)
    for each in topics.asks(recorded, tell):
        asked.members(recorded.tenant, each, translated)
    if tell.accumulates and (group := belongs(recorded)) and isinstance(of := tell.to[0], Relation):
        asked.group(recorded, group.group, of)
    if translated:
        asked.users(recorded.tenant, (each for each in tell.to if isinstance(each, str)))


def drafts(
    recorded: AnyRecorded, said: Iterable[Said], folded: Folded, topics: Topics, partitions: int
) -> Iterator[Draft]:
    """What becomes of topics, then one message a topic or recipient; in an order that is the same whenever the event is routed."""
    yield from topics.drafts(recorded, folded, partitions)
    for each in said:
        match each:
            case Taken(_, retract):
                yield from _from_each(recorded, retract, folded, partitions)
            case Shown(_, press):
                yield _to_presser(recorded, press, partitions)
            case Told(rule, tell):
                ids = NotificationIds(recorded.key, rule)
                topic = topics.shared(recorded, tell)
                yield from (
                    _to_topic(recorded, each, ids, topic)
                    if topic
                    else _to_each(recorded, each, ids, folded, partitions)
                )


def left_out(recorded: AnyRecorded, tell: Tell) -> str | None:
    """Who is not told: whoever acted, unless the rule says otherwise."""
    return None if tell.actor_too else _actor(recorded, tell)


def _said(rule: Rule, each: Tell | Retract | Press) -> Said:
    match each:
        case Tell():
            return Told(rule.name, each)
        case Retract():
            return Taken(rule.name, each)
        case Press():
            return Shown(rule.name, each)


def _from_each(
    recorded: AnyRecorded, retract: Retract, folded: Folded, partitions: int
) -> Iterator[Draft]:
    """A mark for each whom something is taken back from; it says the same whenever the event is routed."""
    keeps = {*folded.recipients(recorded, retract.unless, None, before=retract.before)}
    body = encode(
        Mark(state="deleted", at=instant(recorded.time_nanoseconds), filter=retract.filter)
    )
    for user in folded.recipients(recorded, retract.to, None, before=retract.before):
        if user not in keeps:
            yield Draft(inbox(Person(recorded.tenant, user), partitions), body)


def _to_presser(recorded: AnyRecorded, press: Press, partitions: int) -> Draft:
    """The same whenever the event is routed."""
    mark = Mark(
        state="acted",
        at=instant(recorded.time_nanoseconds),
        ids=(press.notification,),
        action=press.action,
    )
    return Draft(inbox(Person(recorded.tenant, press.to), partitions), encode(mark))


def _to_topic(
    recorded: AnyRecorded, told: Told, ids: NotificationIds, topic: Topic
) -> Iterator[Draft]:
    notification = _notification(
        recorded, told, FALLBACK, _words(told, FALLBACK, None), ids.of(f"@{topic.relation}")
    )
    yield Draft(
        shared(topic),
        encode(
            Shared(left_out=left_out(recorded, told.tell), notification=Raw(encode(notification)))
        ),
    )


def _to_each(
    recorded: AnyRecorded, told: Told, ids: NotificationIds, folded: Folded, partitions: int
) -> Iterator[Draft]:
    shells: dict[tuple[str, Open | None], Shell] = {}
    said: dict[tuple[str, Open | None], bytes] = {}
    opened = folded.opened.get(recorded.sequence, {}) if told.tell.accumulates else {}
    translated = not isinstance(told.tell.says, Authored)
    for user in folded.recipients(
        recorded, told.tell.to, left_out(recorded, told.tell), before=told.tell.before
    ):
        locale = texts().locale_of(folded.locale(recorded, user)) if translated else FALLBACK
        stands = opened.get(user)
        labelled = locale if told.tell.actions else FALLBACK
        shell = shells.get((labelled, stands)) or shells.setdefault(
            (labelled, stands), _shell(recorded, told, labelled, stands)
        )
        between = said.get((locale, stands)) or said.setdefault(
            (locale, stands), shell.between(*_words(told, locale, stands))
        )
        identifier = (NotificationIds(stands.key, told.rule) if stands else ids).of(user)
        body = b'%b"id":"%b"%b"user":%b%b' % (
            shell.before,
            identifier.encode(),
            between,
            encode(user),
            shell.behind,
        )
        yield Draft(inbox(Person(recorded.tenant, user), partitions), body)


def _shell(recorded: AnyRecorded, told: Told, locale: str, stands: Open | None) -> Shell:
    before, rest = encode(_notification(recorded, told, locale, NO_WORDS, NIL, stands)).split(
        SPLIT[0], 1
    )
    id_to_words, rest = rest.split(SPLIT[1], 1)
    words_to_name, behind = rest.rsplit(SPLIT[2], 1)
    return Shell(before, id_to_words, words_to_name, behind)


def _words(told: Told, locale: str, stands: Open | None) -> tuple[str, str]:
    """What is said, in a locale that there are templates of; what somebody wrote, as it is."""
    rule, tell = told
    if isinstance(tell.says, Authored):
        return tell.says
    values = {**tell.says, "count": stands.events} if stands else tell.says
    return texts().say((rule, tell.wording), values, locale)


def _notification(
    recorded: AnyRecorded,
    told: Told,
    locale: str,
    words: tuple[str, str],
    identifier: str,
    stands: Open | None = None,
) -> Notification:
    attributes, tell, (title, message) = recorded.attributes, told.tell, words
    return Notification(
        id=identifier,
        event=recorded.sequence,
        type=attributes.type,
        category=tell.category,
        level=tell.level,
        priority=tell.priority,
        title=_short(title),
        message=message,
        data=_shown(attributes.data, tell),
        entity=tell.entity,
        references=tell.references,
        actor=_actor(recorded, tell),
        group=tell.group,
        tenant=recorded.tenant,
        user="",
        created=instant(recorded.time_nanoseconds),
        occurred=attributes.time,
        expires=tell.expires,
        receipt=tell.receipt and _actor(recorded, tell) is not None,
        count=stands.events if stands else None,
        actors=stands.actors if stands else (),
        actions=tuple(
            Action(name, texts().label(label(told.rule, name), locale)) for name in tell.actions
        ),
    )


def _actor(recorded: AnyRecorded, tell: Tell) -> str | None:
    return tell.actor or recorded.attributes.actor


def _shown(data: Raw, tell: Tell) -> Raw:
    """An event's data without what is hidden and with what is added, on one line: in an event stream a line break ends it."""
    if tell.hidden or tell.more:
        fields = msgspec.json.decode(data, type=dict[str, Raw])
        data = Raw(
            encode(
                {
                    **{name: value for name, value in fields.items() if name not in tell.hidden},
                    **tell.more,
                }
            )
        )
    return Raw(bytes(data).translate(None, LINE_BREAKS))


def _short(title: str) -> str:
    return (
        title if len(title) <= TITLE_LIMIT_CHARACTERS else title[: TITLE_LIMIT_CHARACTERS - 1] + "…"
    )
