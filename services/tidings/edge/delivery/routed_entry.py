"""Routed entries: which entries of the log a user may see, and their bytes for each reader.

A topic's entry is split once for all of its readers, because only the user's name differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tidings.contracts.codec import (
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared_notification,
    encode,
    split_at_user,
)
from tidings.contracts.notifications import Entry, Notification
from tidings.contracts.subjects import Member, Person, Topic, owner_of
from tidings.edge.delivery import frames
from tidings.edge.delivery.shared_frames import SharedFrameParts
from tidings.projections.inbox.inbox_state import InboxState, NewNotification
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.log.follow import StreamMessage

SPLIT_CACHE_ENTRIES = 256


class RoutedEntry:
    """An entry of a user's own log, or of a topic's, which is encoded with each reader's name.

    `excluded_user`: the member of the topic that does not get the entry, or None.
    `logged_nanoseconds`: when the event of a notification was logged, 0 for any other entry.
    """

    __slots__ = (
        *("_new", "_parts", "_prefix", "_suffix", "entry", "excluded_user"),
        *("logged_nanoseconds", "message"),
    )

    def __init__(self, epoch: str, message: StreamMessage) -> None:
        self.message = message
        if isinstance(owner_of(message.subject), Topic):
            self.excluded_user, self.entry, before, self._suffix = _split_shared(message.data)
            self._prefix = frames.encode_entry(epoch, message.sequence, before)
        else:
            self.excluded_user, self.entry, self._suffix = None, decode_entry(message.data), None
            self._prefix = frames.encode_entry(epoch, message.sequence, message.data)
        self.logged_nanoseconds = frames.logged_nanoseconds(self.entry)
        self._new: NewNotification | None = None
        self._parts: SharedFrameParts | None = None

    def new_notification(self, inbox: InboxState) -> NewNotification | None:
        """Return the notification as inboxes begin with it, None for a mark.

        It is made once for all readers: their inboxes have one retention.
        """
        if self._new is None and isinstance(self.entry, Notification):
            message = self.message
            self._new = inbox.describe_new(self.entry, message.sequence, message.time_nanoseconds)
        return self._new

    @property
    def shared_parts(self) -> SharedFrameParts | None:
        """Return the parts of its frame that a topic's readers share, None for a user's own."""
        if self._parts is None and self._suffix is not None:
            self._parts = SharedFrameParts(self.message.sequence, self._prefix, self._suffix)
        return self._parts

    def encode_for(self, name: bytes) -> bytes:
        """Return the entry as JSON with its cursor; `name` is the reader's name as JSON."""
        return (
            self._prefix if self._suffix is None else b"%b%b%b" % (self._prefix, name, self._suffix)
        )


def visible_entries(
    messages: Iterable[StreamMessage], person: Person, memberships: TopicMemberships
) -> list[StreamMessage]:
    """Return the entries that a user may see, in order, each as if it were of their own log.

    `messages` are of the user's log and their topics'. Memberships among them are applied first.
    """
    ordered = sorted(messages, key=lambda message: message.sequence)
    for message in ordered:
        apply_membership(message, memberships)
    return [entry for message in ordered if (entry := _visible_entry(message, person, memberships))]


def topic_of_membership(message: StreamMessage) -> Topic | None:
    """Return the topic that a membership is about, None for any other message."""
    owner = owner_of(message.subject)
    return owner.topic if isinstance(owner, Member) else None


def apply_membership(message: StreamMessage, memberships: TopicMemberships) -> None:
    """Apply a message to the memberships of its user, if it is one."""
    if topic := topic_of_membership(message):
        memberships.apply_membership(topic, decode_membership(message.data), message.sequence)


def _visible_entry(
    message: StreamMessage, person: Person, memberships: TopicMemberships
) -> StreamMessage | None:
    match owner_of(message.subject):
        case Person():
            return message
        case Member():
            return None
        case Topic() as topic:
            excluded, _, before, behind = _split_shared(message.data)
            if excluded == person.user or not memberships.covers(topic, message.sequence):
                return None
            return message._replace(data=b"%b%b%b" % (before, encode(person.user), behind))


@lru_cache(maxsize=SPLIT_CACHE_ENTRIES)
def _split_shared(data: bytes) -> tuple[str | None, Entry, bytes, bytes]:
    """Return the excluded user, the notification, and its JSON before and after the user's name."""
    shared = decode_shared_notification(data)
    return (
        shared.left_out,
        decode_notification(shared.notification),
        *split_at_user(bytes(shared.notification)),
    )
