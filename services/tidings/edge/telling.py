"""Telling: what of the followed log is for one person; a shared entry is taken apart once for all who are told it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tidings.contracts.codec import (
    cut,
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared,
    encode,
)
from tidings.contracts.notifications import Entry
from tidings.contracts.subjects import Member, Person, Topic, owner_of
from tidings.edge import wire
from tidings.projections.belonging import Belonging
from tidings.runtime.follow import Message

APART_LIMIT = 256


class RoutedEntry:
    """An entry of somebody's own log, or of a topic's: then it is each reader's own, with their name in it."""

    __slots__ = ("_behind", "_body", "entry", "left_out", "message")

    def __init__(self, epoch: str, message: Message) -> None:
        self.message = message
        if isinstance(owner_of(message.subject), Topic):
            self.left_out, self.entry, before, self._behind = _apart(message.data)
            self._body = wire.entry(epoch, message.sequence, before)
        else:
            self.left_out, self.entry, self._behind = None, decode_entry(message.data), None
            self._body = wire.entry(epoch, message.sequence, message.data)

    def body(self, name: bytes) -> bytes:
        """The entry with its cursor, for a reader of that name, as JSON."""
        return self._body if self._behind is None else b"%b%b%b" % (self._body, name, self._behind)


def personal(found: Iterable[Message], person: Person, belonging: Belonging) -> list[Message]:
    """Of entries from a person's log and their topics', in order, those that are theirs, as if they had been told alone.

    Memberships among them, which all come first to whoever asks, are taken on.
    """
    ordered = sorted(found, key=lambda message: message.sequence)
    for message in ordered:
        joins(message, belonging)
    return [told for message in ordered if (told := _personal(message, person, belonging))]


def joins(message: Message, belonging: Belonging) -> Topic | None:
    """Take a message on, if it is a membership; the topic of it."""
    owner = owner_of(message.subject)
    if not isinstance(owner, Member):
        return None
    belonging.take(owner.topic, decode_membership(message.data), message.sequence)
    return owner.topic


def _personal(message: Message, person: Person, belonging: Belonging) -> Message | None:
    match owner_of(message.subject):
        case Person():
            return message
        case Member():
            return None
        case Topic() as topic:
            left_out, _, before, behind = _apart(message.data)
            if left_out == person.user or not belonging.covers(topic, message.sequence):
                return None
            return message._replace(data=b"%b%b%b" % (before, encode(person.user), behind))


@lru_cache(maxsize=APART_LIMIT)
def _apart(data: bytes) -> tuple[str | None, Entry, bytes, bytes]:
    """Who is left out, the notification, and its text before and behind the reader's name."""
    shared = decode_shared(data)
    return (
        shared.left_out,
        decode_notification(shared.notification),
        *cut(bytes(shared.notification)),
    )
