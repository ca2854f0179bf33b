"""Build a notification and its text from an event and a rule's effect; pure."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from tidings.contracts.codec import encode, instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.graphemes import cut_text
from tidings.contracts.notifications import TITLE_LIMIT_CHARACTERS, Notification
from tidings.contracts.rules import AuthoredText, Tell
from tidings.notifier.audience.groups import OpenGroup
from tidings.notifier.rendering.texts import Texts
from tidings.runtime.texts.times import UNKNOWN_ZONE

BLANK_ID = "00000000-0000-0000-0000-000000000000"
LINE_BREAKS = b"\r\n"


def write_text(
    tell: Tell, texts: Texts, locale: str, group: OpenGroup | None, zone: str = UNKNOWN_ZONE
) -> tuple[str, str]:
    """Return title and message in a supported locale, times in a zone; authored text as it is."""
    if isinstance(tell.values, AuthoredText):
        return tell.values
    values = {**tell.values, "count": group.events} if group else tell.values
    return texts.title_and_message((tell.rule, tell.wording), values, locale, zone)


def build_notification(
    recorded: AnyRecordedEvent,
    tell: Tell,
    texts: Texts,
    locale: str,
    group: OpenGroup | None = None,
    *,
    identifier: str = BLANK_ID,
    text: tuple[str, str] = ("", ""),
) -> Notification:
    """Return the notification of an event, for no user yet, with the labels of a locale."""
    attributes, (title, message) = recorded.attributes, text
    actor = actor_of(recorded, tell)
    return Notification(
        id=identifier,
        event=recorded.sequence,
        type=tell.type or attributes.type,
        category=tell.category,
        level=tell.level,
        priority=tell.priority,
        title=truncate_title(title),
        message=message,
        data=_visible_data(attributes.data, tell),
        entity=tell.entity,
        references=tell.references,
        audience=tuple([str(each) for each in tell.to if not isinstance(each, str)]),
        actor=actor,
        group=tell.group,
        tenant=recorded.tenant,
        user="",
        created=instant(recorded.time_nanoseconds),
        occurred=attributes.time,
        expires=tell.expires,
        receipt=tell.receipt and actor is not None,
        count=group.events if group else None,
        actors=group.actors if group else (),
        actions=texts.buttons(tell.rule, tell.actions, locale) if tell.actions else (),
    )


def actor_of(recorded: AnyRecordedEvent, tell: Tell) -> str | None:
    """Return the actor that a rule names, else the event's."""
    return tell.actor or recorded.attributes.actor


def _visible_data(data: Raw, tell: Tell) -> Raw:
    """Return an event's data, or the rule's, without hidden and with added fields, on one line.

    A line break would end the data of an event in an event stream.
    """
    data = data if tell.data is None else Raw(encode(tell.data))
    if tell.hidden_fields or tell.extra_data:
        fields = msgspec.json.decode(data, type=dict[str, Raw])
        data = Raw(
            encode(
                {
                    **{
                        name: value
                        for name, value in fields.items()
                        if name not in tell.hidden_fields
                    },
                    **tell.extra_data,
                }
            )
        )
    encoded = bytes(data)
    if b"\n" in encoded or b"\r" in encoded:
        return Raw(encoded.translate(None, LINE_BREAKS))
    return data


def truncate_title(title: str) -> str:
    """Return a title of at most `TITLE_LIMIT_CHARACTERS`, with an ellipsis where it is cut."""
    if len(title) <= TITLE_LIMIT_CHARACTERS:
        return title
    return cut_text(title, TITLE_LIMIT_CHARACTERS - 1) + "…"
