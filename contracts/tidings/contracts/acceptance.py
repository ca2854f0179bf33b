"""Acceptance: what a new event must fulfil beyond its shape.

An event in the log need not: a log may be older than a check, and other services may write to it.
So whatever is checked here is checked again where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, cast

import msgspec
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.event import Event
from tidings.contracts.page_addresses import (
    NOT_AN_ADDRESS,
    is_linkable,
    is_page_address,
    linked_host,
)

ADDRESS_FIELDS = (
    ("entity_url",),
    ("action_url",),
    ("entity", "url"),
    ("data", "action_url"),
    ("data", "entity_url"),
    ("announcement", "entity_url"),
)
"""The fields of any event, declared or not, that clients may open as pages."""


class ForbiddenLink(InvalidEvent):
    """An address of a host that is not allowed here."""


class UnknownValue(InvalidEvent):
    """A value of the right form that does not exist, such as a time zone."""


class _Repeated(Exception):
    """A name occurs twice in an object."""


class Pairs(NamedTuple):
    """The names and values of an object, in their order."""

    items: list[tuple[str, Any]]


def check_new_event(body: bytes, event: Event, link_hosts: Collection[str] | None) -> None:
    """Raise InvalidEvent if a name is repeated, or a value cannot be used.

    Addresses may be of any host if `link_hosts` is None.
    """
    fields = unique_fields(body)
    for field, reason in event.faults():
        raise InvalidEvent(f"data.{field}", reason)
    for field, reason in event.unknown_values():
        raise UnknownValue(f"data.{field}", reason)
    data = fields.get("data")
    if isinstance(data, dict):
        _check_addresses(cast("dict[str, Any]", data), link_hosts)


def without_field(body: bytes, field: str) -> bytes:
    """Return an event in JSON without the value at a path such as `data.entity.url`."""
    name, _, inner = field.partition(".")
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    value = fields.pop(name)
    if inner:
        fields[name] = msgspec.Raw(without_field(bytes(value), inner))
    return msgspec.json.encode(fields)


def _check_addresses(data: dict[str, Any], link_hosts: Collection[str] | None) -> None:
    for path in ADDRESS_FIELDS:
        if path[0] not in data:
            continue
        value: Any = data
        for name in path:
            value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        if not isinstance(value, str):
            continue
        if not is_page_address(value):
            raise InvalidEvent(".".join(("data", *path)), NOT_AN_ADDRESS)
        if link_hosts is not None and not is_linkable(value, link_hosts):
            raise ForbiddenLink(
                ".".join(("data", *path)),
                f"addresses of `{linked_host(value)}` are not allowed; give one that is relative to"
                " the product's pages, or have the host added to TIDINGS_LINK_HOSTS",
            )


def unique_fields(body: bytes) -> dict[str, Any]:
    """Return an event's fields; raises InvalidEvent if a name occurs twice in an object.

    Readers differ in which of the two they take, so such an event would mean two things.
    """
    try:
        return _unique_decoder.decode(body.decode())
    except _Repeated as repeated:
        path = next(_repeated_paths(_pairs_decoder.decode(body.decode())), str(repeated))
        raise InvalidEvent(path, "occurs twice; state it once") from None
    except RecursionError:
        raise InvalidEvent("data", "is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen = set[str]()
        raise _Repeated(next(name for name, _ in pairs if name in seen or seen.add(name)))
    return fields


# Numbers stay text: they may have any number of digits, and none is read here.
_unique_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str)
_pairs_decoder = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=str, parse_float=str)


def _repeated_paths(value: object, path: str = "") -> Iterator[str]:
    match value:
        case Pairs():
            seen = set[str]()
            for name, item in value.items:
                inner = f"{path}.{name}" if path else name
                if name in seen:
                    yield inner
                seen.add(name)
                yield from _repeated_paths(item, inner)
        case list():
            for item in cast("list[Any]", value):
                yield from _repeated_paths(item, path)
        case _:
            pass
