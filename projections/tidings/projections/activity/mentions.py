"""Find the users and objects that an event of any type mentions, by the names of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec import Raw
from tidings.contracts.event import AnyRecordedEvent, UnknownEvent
from tidings.contracts.ids import is_id

USER_FIELDS = frozenset({"user_id", "technician_id", "sender_id", "sender", "actor", "responders"})
"""The fields that name users, besides those that end in `_by`.

Any other field that ends in `_id` names an object: `task_id` gives `task:…`.
"""
MENTIONS_LIMIT = 1100
USER_PREFIX = "user:"

_REFERENCE_FIELD = re.compile(r"_id\Z|_by\Z|entity_type\Z|sender\Z")
_KIND_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

_raw_fields_decoder = msgspec.json.Decoder(dict[str, Raw])
_string_decoder = msgspec.json.Decoder(str)


def mentions(recorded: AnyRecordedEvent) -> list[str]:
    """Return the objects (`task:1`) and users (`user:amira`) that an event mentions.

    They are unique, in the order of the event's fields; the actor is last.
    """
    names = _mentions_in({**_fields(recorded), "actor": recorded.attributes.actor})
    return list(dict.fromkeys(islice(names, MENTIONS_LIMIT)))


def _fields(recorded: AnyRecordedEvent) -> Mapping[str, Any]:
    """Return the fields of an event: those of its current shape, then the other references in its
    data.
    """
    try:
        raw = _raw_fields_decoder.decode(recorded.attributes.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raw = {}
    typed: dict[str, Any] = (
        {} if isinstance(recorded.event, UnknownEvent) else msgspec.structs.asdict(recorded.event)
    )
    return {
        **typed,
        **{
            name: _string_or_none(value)
            for name, value in raw.items()
            if name not in typed and _REFERENCE_FIELD.search(name)
        },
    }


def _string_or_none(value: Raw) -> str | None:
    """Return a JSON string, and None for any other value."""
    try:
        return _string_decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _mentions_in(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if kind := _kind_of_field(name, fields):
            ids = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
            yield from (f"{kind}:{identifier}" for identifier in ids if is_id(identifier))


def _kind_of_field(name: str, fields: Mapping[str, Any]) -> str | None:
    """Return the kind of object that a field names, such as `user` or `task`; None if it names
    none.
    """
    if name in USER_FIELDS or name.endswith("_by"):
        return "user"
    kind = (
        fields.get("entity_type")
        if name == "entity_id"
        else name.removesuffix("_id")
        if name.endswith("_id")
        else None
    )
    return kind if isinstance(kind, str) and _KIND_PATTERN.match(kind) else None
