"""Quoting: text inside a NATS configuration, a shell command or a URL; one function for each."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

_NATS_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')

NatsValue = Mapping[str, "NatsValue"] | Sequence["NatsValue"] | str | Path | bool | int


def nats_text(value: str | Path) -> str:
    r"""Return text for a nats-server configuration, whose strings know `\xNN` but not `\uNNNN`."""
    return '"' + "".join(map(_nats_byte, os.fsencode(value))) + '"'


def nats_configuration(value: NatsValue) -> str:
    """Return a value in the language of nats-server's configuration files, on one line."""
    match value:
        case Mapping():
            fields = (
                f"{nats_text(name)}: {nats_configuration(field)}" for name, field in value.items()
            )
            return "{" + ", ".join(fields) + "}"
        case str() | Path():
            return nats_text(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return "[" + ", ".join(map(nats_configuration, value)) + "]"


def shell_words(*words: str | Path) -> str:
    """Return a command line for a POSIX shell, to be shown and copied."""
    return shlex.join(map(str, words))


def url_part(text: str) -> str:
    """Return text for one part of a URL, such as a user or a password (RFC 3986)."""
    return quote(text, safe="")


def _nats_byte(byte: int) -> str:
    return chr(byte) if byte in _NATS_PLAIN else f"\\x{byte:02x}"
