"""Mails as they are listed and read: headers, text and HTML of a message that anybody wrote; pure.

What cannot be read is left out; no message makes this fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any, cast

from msgspec import Struct

TEXT_LIMIT_CHARACTERS = 512 * 1024
SUBJECT_LIMIT_CHARACTERS = 500
HEADERS_LIMIT = 100
PARTS_LIMIT = 50
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, RecursionError, AssertionError)
"""What the parser of the standard library raises on hostile headers and parts."""


class ListedMail(Struct, frozen=True, kw_only=True):
    """A mail in the list. `sender` and `recipients` are those of the envelope."""

    id: str
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    size_bytes: int


class Header(Struct, frozen=True):
    """One line of a mail's head, unfolded."""

    name: str
    value: str


class MailContent(Struct, frozen=True, kw_only=True):
    """What a mail says. `has_html`: there is HTML besides the text."""

    headers: tuple[Header, ...]
    text: str
    has_html: bool


def subject_of(content: bytes) -> str:
    """Return the subject of a mail in one line, empty without one."""
    try:
        subject = str(_parse(content)["subject"] or "")
    except _UNREADABLE:
        return ""
    return _clean(subject)[:SUBJECT_LIMIT_CHARACTERS]


def content_of(content: bytes) -> MailContent:
    """Return headers and text of a mail."""
    message = _parse(content)
    return MailContent(
        headers=tuple(_headers(message)),
        text=_text_of(message, "plain"),
        has_html=bool(_text_of(message, "html")),
    )


def html_of(content: bytes) -> str:
    """Return the HTML of a mail, empty without any."""
    return _text_of(_parse(content), "html")


def _parse(content: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(content, policy=cast(Any, default)))


def _headers(message: EmailMessage) -> Iterator[Header]:
    for name, value in list(message.raw_items())[:HEADERS_LIMIT]:
        try:
            text = str(message.policy.header_fetch_parse(name, value))
        except _UNREADABLE:
            text = str(value)
        yield Header(_clean(name), _clean(text)[:TEXT_LIMIT_CHARACTERS])


def _text_of(message: Message, subtype: str) -> str:
    """Return the first text of a subtype, cut."""
    for count, part in enumerate(message.walk()):
        if count >= PARTS_LIMIT:
            break
        if part.get_content_type() != f"text/{subtype}" or part.is_multipart():
            continue
        try:
            return str(cast(EmailMessage, part).get_content())[:TEXT_LIMIT_CHARACTERS]
        except _UNREADABLE:
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            return text[:TEXT_LIMIT_CHARACTERS]
    return ""


def _clean(text: str) -> str:
    """Return a text in one line, without what cannot be shown."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())
