"""Mails as they are listed and read: headers, text and HTML of a message that anybody wrote; pure.

What cannot be read is left out. No message makes this fail, and none takes long: headers are cut,
and a message of too many parts is shown as it came.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from typing import Any

from msgspec import Struct

TEXT_LIMIT_CHARACTERS = 512 * 1024
SUBJECT_LIMIT_CHARACTERS = 500
HEAD_LIMIT_BYTES = 64 * 1024
HEADER_LIMIT_CHARACTERS = 8 * 1024
HEADERS_LIMIT = 100
PARTS_LIMIT = 50
BOUNDARIES_LIMIT = 1000
CONNECTING_TAG = re.compile(r"<(?=(?:link|i?frame|object|embed)[\s/>])", re.IGNORECASE)
"""Begins an element by which a browser connects to another host before it asks the policy."""
SLOW_CHARSETS = ("idna", "punycode")
"""Their time grows with the square of the text; no mail is written in them."""
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


class ShortHeaders(Compat32):
    """Cuts headers while a message is parsed: reading a long one takes minutes."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return name and value of a header."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:HEADER_LIMIT_CHARACTERS]


def subject_of(content: bytes) -> str:
    """Return the subject of a mail in one line, empty without one; its beginning is enough."""
    message = _parse(content[:HEAD_LIMIT_BYTES].partition(b"\r\n\r\n")[0])
    return _decode_header(message.get("subject", ""))[:SUBJECT_LIMIT_CHARACTERS]


def content_of(content: bytes) -> MailContent:
    """Return headers and text of a mail."""
    message = _parse(content)
    return MailContent(
        headers=tuple(
            Header(_in_one_line(name), _decode_header(value))
            for name, value in message.items()[:HEADERS_LIMIT]
        ),
        text=_text_of(message, "plain"),
        has_html=bool(_text_of(message, "html")),
    )


def html_of(content: bytes) -> str:
    """Return the HTML of a mail, in which nothing connects to other hosts; empty without any."""
    return CONNECTING_TAG.sub("<no-", _text_of(_parse(content), "html"))


def _parse(content: bytes) -> Message:
    """Return a message; one with too many parts is a single text."""
    if content.count(b"\n--") <= BOUNDARIES_LIMIT:
        try:
            return message_from_bytes(content, policy=ShortHeaders())
        except _UNREADABLE:
            pass
    message = Message(ShortHeaders())
    message.set_payload(content.decode("ascii", "surrogateescape"))
    return message


def _text_of(message: Message, subtype: str) -> str:
    """Return the first text of a subtype, cut."""
    for part in _first_parts(message):
        if part.get_content_type() == f"text/{subtype}" and not part.is_multipart():
            return _without_surrogates(_decode_text(part)[:TEXT_LIMIT_CHARACTERS])
    return ""


def _first_parts(message: Message) -> Sequence[Message]:
    return [part for part, _ in zip(message.walk(), range(PARTS_LIMIT), strict=False)]


def _decode_text(part: Message) -> str:
    payload: Any = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        codec = codecs.lookup(str(part.get_content_charset("utf-8")))
        return payload.decode("utf-8" if codec.name in SLOW_CHARSETS else codec.name, "replace")
    except _UNREADABLE:
        return payload.decode("utf-8", "replace")


def _decode_header(value: Any) -> str:
    """Return a header in one line, with its encoded words (RFC 2047) decoded."""
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return _in_one_line(str(make_header(decode_header(text))))
    except _UNREADABLE:
        return _in_one_line(text)


def _in_one_line(text: str) -> str:
    """Return a text without what cannot be shown."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())


def _without_surrogates(text: str) -> str:
    """Return a text that UTF-8 can hold; charsets such as UTF-7 give halves of characters."""
    return text.encode(errors="replace").decode()
