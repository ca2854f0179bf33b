"""A notification encoded once for all recipients; text, id and user are spliced in."""

from __future__ import annotations

from typing import NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.notifications import Notification
from tidings.notifier.rendering.notification import BLANK_ID, truncate_title

BLANK_ID_FIELD = f'"id":"{BLANK_ID}"'.encode()
BLANK_TEXT_FIELDS = b'"title":"","message":""'
BLANK_USER_FIELD = b'"user":""'


class EncodedNotification(NamedTuple):
    """A notification with its text, cut where the recipient's id and name go."""

    head: bytes
    id_to_user: bytes
    tail: bytes

    def with_user(self, identifier: str, user: str) -> bytes:
        """Return the bytes for one recipient."""
        return b'%b"id":"%b"%b"user":%b%b' % (
            self.head,
            identifier.encode(),
            self.id_to_user,
            encode(user),
            self.tail,
        )


class EncodedTemplate(NamedTuple):
    """A notification cut where a locale's text, and the recipient's id and name go."""

    head: bytes
    id_to_text: bytes
    text_to_user: bytes
    tail: bytes

    def with_text(self, title: str, message: str) -> EncodedNotification:
        """Return the notification in one locale."""
        id_to_user = b'%b"title":%b,"message":%b%b' % (
            self.id_to_text,
            encode(truncate_title(title)),
            encode(message),
            self.text_to_user,
        )
        return EncodedNotification(self.head, id_to_user, self.tail)


def encode_template(notification: Notification) -> EncodedTemplate:
    """Encode a notification whose id is `BLANK_ID` and whose title, message and user are empty."""
    # Quotes inside a JSON string are escaped, so only `data`, which a producer wrote, can hold
    # something that looks like a blank. It lies behind the text and before the user.
    head, rest = encode(notification).split(BLANK_ID_FIELD, 1)
    id_to_text, rest = rest.split(BLANK_TEXT_FIELDS, 1)
    text_to_user, tail = rest.rsplit(BLANK_USER_FIELD, 1)
    return EncodedTemplate(head, id_to_text, text_to_user, tail)
