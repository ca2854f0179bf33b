"""Whom and what an event is about, read off the names of its fields, for every type of event alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec import Raw
from tidings.contracts.events import AnyRecorded, Opaque
from tidings.contracts.ids import is_id

PEOPLE = frozenset({"user_id", "technician_id", "sender_id", "sender", "actor", "responders"})
"""The fields that name users, beside those that end in `_by`; any other that ends in `_id` names a thing: `task_id` is `task:…`."""
CONCERNED_LIMIT = 1100
USER = "user:"

_NAMING = re.compile(r"_id\Z|_by\Z|entity_type\Z|sender\Z")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

_stated = msgspec.json.Decoder(dict[str, Raw])
_string = msgspec.json.Decoder(str)


def concerned(recorded: AnyRecorded) -> list[str]:
    """Things (`task:1`) and users (`user:amira`) that an event is about, each once, in the order of its fields; whoever acted, last."""
    named = _named({**_fields(recorded), "actor": recorded.attributes.actor})
    return list(dict.fromkeys(islice(named, CONCERNED_LIMIT)))


def _fields(recorded: AnyRecorded) -> Mapping[str, Any]:
    """The fields of an event: first those of its shape of today, then what else was stated."""
    try:
        stated = _stated.decode(recorded.attributes.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        stated = {}
    told: dict[str, Any] = (
        {} if isinstance(recorded.event, Opaque) else msgspec.structs.asdict(recorded.event)
    )
    return {
        **told,
        **{
            name: _text(value)
            for name, value in stated.items()
            if name not in told and _NAMING.search(name)
        },
    }


def _text(value: Raw) -> str | None:
    """A JSON string; of anything else, nothing."""
    try:
        return _string.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _named(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if kind := _kind(name, fields):
            several = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
            yield from (f"{kind}:{each}" for each in several if is_id(each))


def _kind(name: str, fields: Mapping[str, Any]) -> str | None:
    """What a field names: `user`, `task`; None if it names nothing."""
    if name in PEOPLE or name.endswith("_by"):
        return "user"
    kind = (
        fields.get("entity_type")
        if name == "entity_id"
        else name.removesuffix("_id")
        if name.endswith("_id")
        else None
    )
    return kind if isinstance(kind, str) and _KIND.match(kind) else None
