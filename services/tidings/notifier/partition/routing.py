"""Routing: from a recorded event, by the rules, to the messages to append; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec
from msgspec import Raw
from tidings.contracts.codec import encode, instant
from tidings.contracts.copies import copies_limit, copy_bytes, too_many_copies
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.ids import NotificationIds
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Mark, SharedNotification
from tidings.contracts.relations import Relation
from tidings.contracts.rules import ActionTaken, AuthoredText, Effect, Retract, Rule, Tell
from tidings.contracts.subjects import Person, Subjects, Topic, topic_inbox_subject
from tidings.notifier.audience.audience import Audience, AudienceQuery
from tidings.notifier.audience.groups import OpenGroup
from tidings.notifier.audience.topics import Topics
from tidings.notifier.rendering.encoded_notification import (
    EncodedNotification,
    EncodedTemplate,
    encode_template,
)
from tidings.notifier.rendering.notification import actor_of, build_notification, write_text
from tidings.notifier.rendering.texts import FALLBACK_LOCALE, Texts
from tidings.projections.audience.groups import group_of
from tidings.runtime.texts.times import UNKNOWN_ZONE, has_times


class MissingTemplateValue(ValueError):
    """A rule does not give all values that its template needs."""


def react(
    recorded: AnyRecordedEvent,
    rules: Iterable[Rule],
    tenants_including_actor: Collection[str] = (),
) -> list[Effect]:
    """Return the effects of the rules on an event, with their names; a rule gets only the event.

    In the tenants `tenants_including_actor`, every rule notifies the actor too. The expiry of a
    notification is that of its rule, else that of the event.
    """
    effects: list[Effect] = [
        _completed(effect, rule, recorded)
        for rule in rules
        if rule.event_type is type(recorded.event)
        for effect in rule.react(recorded)
    ]
    return (
        list(map(_including_actor, effects))
        if recorded.tenant in tenants_including_actor
        else effects
    )


def _completed(effect: Effect, rule: Rule, recorded: AnyRecordedEvent) -> Effect:
    """Return an effect with the name of its rule, and the event's expiry if the rule has none."""
    if isinstance(effect, Tell) and effect.expires is None:
        expires = recorded.event.notifications_expire_at()
        return msgspec.structs.replace(effect, rule=rule.name, expires=expires)
    return msgspec.structs.replace(effect, rule=rule.name)


def _including_actor(effect: Effect) -> Effect:
    """Return an effect that notifies the actor too."""
    return (
        msgspec.structs.replace(effect, include_actor=True) if isinstance(effect, Tell) else effect
    )


def notifications_in(effects: Iterable[Effect]) -> list[Tell]:
    """Return those effects that are notifications."""
    return [effect for effect in effects if isinstance(effect, Tell)]


def validate_templates(effects: Iterable[Effect], texts: Texts) -> None:
    """Check that every text can be written in every locale.

    Raises MissingTemplateValue, or what a value raises that cannot be formatted.
    """
    for tell in effects:
        if not isinstance(tell, Tell) or isinstance(tell.values, AuthoredText):
            continue
        if missing := texts.missing_values((tell.rule, tell.wording), tell.values):
            raise MissingTemplateValue(
                f"the template {tell.rule}.{tell.wording} has no value for {', '.join(missing)}"
            )
        texts.validate_values(tell.values)


def audience_query(
    events: Iterable[tuple[AnyRecordedEvent, Iterable[Effect]]], topics: Topics
) -> AudienceQuery:
    """Return what must be known to route a batch: the members of relations that are notified or
    end, and the locales of users whose notifications are written from templates.
    """
    query = AudienceQuery()
    for recorded, effects in events:
        for relation in topics.ending_relations(recorded):
            query.add_members(recorded.tenant, relation, False)
        for effect in effects:
            match effect:
                case Tell():
                    _query_notification(recorded, effect, topics, query)
                case Retract():
                    _query_retraction(recorded, effect, query)
                case ActionTaken():
                    pass
    return query


def _query_retraction(recorded: AnyRecordedEvent, retract: Retract, query: AudienceQuery) -> None:
    for recipient in (*retract.to, *retract.unless):
        if not isinstance(recipient, str):
            query.add_members(recorded.tenant, recipient, False)


def _query_notification(
    recorded: AnyRecordedEvent, tell: Tell, topics: Topics, query: AudienceQuery
) -> None:
    translated = not isinstance(tell.values, AuthoredText)
    for relation in topics.relations_to_query(recorded, tell):
        query.add_members(recorded.tenant, relation, translated)
    if (
        tell.accumulates
        and (group := group_of(recorded))
        and isinstance(relation := tell.to[0], Relation)
    ):
        query.add_group(recorded, group.group, relation)
    if translated:
        query.add_users(recorded.tenant, [user for user in tell.to if isinstance(user, str)])


def messages(
    recorded: AnyRecordedEvent,
    effects: Iterable[Effect],
    audience: Audience,
    topics: Topics,
    subjects: Subjects,
    texts: Texts,
) -> Iterator[NewMessage]:
    """Return the messages about topics, then one for each topic or recipient.

    The order is the same whenever the event is routed: offsets count in it.
    """
    yield from topics.messages(recorded, audience, subjects)
    for effect in effects:
        match effect:
            case Tell():
                ids = NotificationIds(recorded.key, effect.rule)
                topic = topics.topic_of(recorded, effect)
                yield from (
                    _topic_message(recorded, effect, ids, topic, texts)
                    if topic
                    else _recipient_messages(recorded, effect, ids, audience, subjects, texts)
                )
            case Retract():
                yield from _retraction_messages(recorded, effect, audience, subjects)
            case ActionTaken():
                yield _action_message(recorded, effect, subjects)


def excluded_actor(recorded: AnyRecordedEvent, tell: Tell) -> str | None:
    """Return the actor, who is not notified unless the rule says so."""
    return None if tell.include_actor else actor_of(recorded, tell)


def copies_problem(
    recorded: AnyRecordedEvent, tell: Tell, audience: Audience, topics: Topics
) -> str:
    """Return why a notification cannot be written to all of its recipients, empty if it can."""
    size = copy_bytes(recorded, tell)
    if copies_limit(size) is None or topics.topic_of(recorded, tell):
        return ""
    recipients = audience.recipients(
        recorded, tell.to, excluded_actor(recorded, tell), before=tell.as_of_previous
    )
    return too_many_copies(size, len(recipients))


def _retraction_messages(
    recorded: AnyRecordedEvent, retract: Retract, audience: Audience, subjects: Subjects
) -> Iterator[NewMessage]:
    """Return a deleting mark for each recipient; the same whenever the event is routed."""
    excluded = {*audience.recipients(recorded, retract.unless, None, before=retract.as_of_previous)}
    body = encode(
        Mark(state="deleted", at=instant(recorded.time_nanoseconds), filter=retract.filter)
    )
    for user in audience.recipients(recorded, retract.to, None, before=retract.as_of_previous):
        if user not in excluded:
            yield NewMessage(subjects.inbox_subject(Person(recorded.tenant, user)), body)


def _action_message(
    recorded: AnyRecordedEvent, taken: ActionTaken, subjects: Subjects
) -> NewMessage:
    """Return the mark that shows a pressed button; the same whenever the event is routed."""
    mark = Mark(
        state="acted",
        at=instant(recorded.time_nanoseconds),
        ids=(taken.notification,),
        action=taken.action,
    )
    return NewMessage(subjects.inbox_subject(Person(recorded.tenant, taken.to)), encode(mark))


def _topic_message(
    recorded: AnyRecordedEvent, tell: Tell, ids: NotificationIds, topic: Topic, texts: Texts
) -> Iterator[NewMessage]:
    notification = build_notification(
        recorded,
        tell,
        texts,
        FALLBACK_LOCALE,
        identifier=ids.id_for(f"@{topic.relation}"),
        text=write_text(tell, texts, FALLBACK_LOCALE, None),
    )
    body = SharedNotification(
        left_out=excluded_actor(recorded, tell), notification=Raw(encode(notification))
    )
    yield NewMessage(topic_inbox_subject(topic), encode(body))


def _recipient_messages(
    recorded: AnyRecordedEvent,
    tell: Tell,
    ids: NotificationIds,
    audience: Audience,
    subjects: Subjects,
    texts: Texts,
) -> Iterator[NewMessage]:
    notifications = _EncodedNotifications(recorded, tell, texts)
    groups = audience.open_groups.get(recorded.sequence, {}) if tell.accumulates else {}
    translated = not isinstance(tell.values, AuthoredText)
    timed, tenant = has_times(tell.values), recorded.tenant
    for user in audience.recipients(
        recorded, tell.to, excluded_actor(recorded, tell), before=tell.as_of_previous
    ):
        locale = (
            texts.best_locale(audience.locale_of(recorded, user)) if translated else FALLBACK_LOCALE
        )
        zone = audience.timezone_of(recorded, user) if timed else UNKNOWN_ZONE
        group = groups.get(user)
        identifier = (NotificationIds(group.key, tell.rule) if group else ids).id_for(user)
        body = notifications[locale, zone, group].with_user(identifier, user)
        yield NewMessage(subjects.inbox_subject(Person(tenant, user)), body)


class _EncodedNotifications(dict[tuple[str, str, OpenGroup | None], EncodedNotification]):
    """The notification of an event and a rule by locale, zone and group, each encoded once."""

    def __init__(self, recorded: AnyRecordedEvent, tell: Tell, texts: Texts) -> None:
        self._recorded, self._tell, self._texts = recorded, tell, texts
        self._templates: dict[tuple[str, OpenGroup | None], EncodedTemplate] = {}

    def __missing__(self, key: tuple[str, str, OpenGroup | None]) -> EncodedNotification:
        locale, zone, group = key
        template = self._template(locale if self._tell.actions else FALLBACK_LOCALE, group)
        text = write_text(self._tell, self._texts, locale, group, zone)
        notification = self[key] = template.with_text(*text)
        return notification

    def _template(self, locale: str, group: OpenGroup | None) -> EncodedTemplate:
        template = self._templates.get((locale, group))
        if template is None:
            notification = build_notification(
                self._recorded, self._tell, self._texts, locale, group
            )
            template = self._templates[locale, group] = encode_template(notification)
        return template
