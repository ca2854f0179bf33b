"""Headers of mails: encoded here, so that each shows its text as it is, and none adds another.

`EmailMessage` of the standard library would decode what looks encoded in a text (`=?utf-8?q?…`),
and breaks long addresses.
"""

from __future__ import annotations

import re
from email.header import Header
from hashlib import blake2s

from tidings.contracts.ids import escape

LINE_LIMIT_CHARACTERS = 76
"""RFC 2047, section 2: of a line that holds an encoded word."""
HARD_LIMIT_CHARACTERS = 998
"""RFC 5322, section 2.1.1."""
LABEL_LIMIT_CHARACTERS = 63
LABEL_DIGEST_BYTES = 16
_PREPARED = re.compile(r"[\x21-\x7e][\x20-\x7e]*(?:\r\n [\x21-\x7e][\x20-\x7e]*)*\Z")


class PreparedHeader(str):
    """The value of a header as it is sent, with its folds; raises ValueError if it is none."""

    __slots__ = ()

    def __new__(cls, value: str) -> PreparedHeader:
        """Check that a value is one header of RFC 5322."""
        if not _PREPARED.match(value):
            raise ValueError("not the value of a header")
        if any(len(line) > HARD_LIMIT_CHARACTERS for line in value.split("\r\n")):
            raise ValueError("a line of a header is too long")
        return super().__new__(cls, value)


def encode_line(text: str, name: str) -> PreparedHeader:
    """Return a line of text as the value of the header `name`, in encoded words if need be."""
    room = LINE_LIMIT_CHARACTERS - len(name) - len(": ")
    if text.isascii() and len(text) <= room and "=?" not in text:
        return PreparedHeader(text)
    header = Header(text, "utf-8", maxlinelen=LINE_LIMIT_CHARACTERS, header_name=name)
    return PreparedHeader(header.encode(linesep="\r\n"))


def encode_sender(name: str, address: str) -> PreparedHeader:
    """Return an address with a name before it, as `From` has it."""
    if not name:
        return PreparedHeader(address)
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return PreparedHeader(f'"{escaped}" <{address}>')
    return PreparedHeader(f"{encode_line(name, 'From')}\r\n <{address}>")


def header_label(text: str) -> str:
    """Return a text as one label of `[A-Za-z0-9_-]`, a digest of it if it would be too long."""
    label = escape(text)
    return label if len(label) <= LABEL_LIMIT_CHARACTERS else text_digest(text)


def text_digest(*parts: str) -> str:
    """Return 32 characters that stand for some texts."""
    return blake2s("\0".join(parts).encode(), digest_size=LABEL_DIGEST_BYTES).hexdigest()
