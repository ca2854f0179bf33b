"""Accept integers as ids in events: an `Id` that is a JSON integer means its decimal text; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Raw, Struct, inspect
from tidings.contracts.ids import INTEGER_ID_LIMIT_DIGITS, is_id_type

_NUMBER_LIMIT_CHARACTERS = 64
_NUMBER_OR_BOOLEAN = b"-0123456789tf"


class InvalidId(ValueError):
    """A value that is no id: `path` names its place, `reason` the fault."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class IdPlace:
    """The place of an id."""


@dataclass(frozen=True)
class ItemsPlace:
    """An array with ids in its items."""

    items: Place


@dataclass(frozen=True)
class ValuesPlace:
    """An object with ids in all of its values."""

    values: Place


@dataclass(frozen=True)
class FieldsPlace:
    """An object with ids in some of its fields."""

    fields: Mapping[str, Place]


Place = IdPlace | ItemsPlace | ValuesPlace | FieldsPlace
"""The places of the ids in a JSON value."""


def id_places(shape: type[Struct]) -> Place | None:
    """Return the places of ids in a Struct and its nested values; None if it has none."""
    return _places(inspect.type_info(shape))


def with_text_ids(body: bytes, place: Place | None) -> bytes:
    """Return a JSON value with the decimal text in place of each integer that is an id.

    All else stays as written, even text that is no id and values that do not fit the type.
    Raises InvalidId for a number that is no integer, one that is too long, and a boolean.
    """
    return bytes(_with_text_ids(Raw(body), place, "")) if place else body


def _with_text_ids(value: Raw, place: Place, path: str) -> Raw:
    match place:
        case IdPlace():
            return _text_id(value, path)
        case ItemsPlace(items):
            return _map_items(value, items, path)
        case ValuesPlace(values):
            return _map_fields(value, lambda _: values, path)
        case FieldsPlace(fields):
            return _map_fields(value, fields.get, path)


def _text_id(value: Raw, path: str) -> Raw:
    text = bytes(value).strip()
    if not text or text[0] not in _NUMBER_OR_BOOLEAN:
        return value
    number = _number(text)
    if number is None:
        raise InvalidId(path, f"must be text or an integer, not `{text[:32].decode()}`")
    if number.adjusted() >= INTEGER_ID_LIMIT_DIGITS:
        raise InvalidId(path, f"has more than {INTEGER_ID_LIMIT_DIGITS} digits; state it as text")
    if number != number.to_integral_value():
        raise InvalidId(path, f"must be text or an integer, not `{text[:32].decode()}`")
    return Raw(b'"%d"' % int(number))


def _number(text: bytes) -> Decimal | None:
    """Return the number that JSON text spells; None for a boolean or a needlessly long number.

    JSON has one kind of number: `7.0` and `7` are the same integer.
    """
    try:
        return Decimal(text.decode()) if len(text) <= _NUMBER_LIMIT_CHARACTERS else None
    except InvalidOperation:
        return None


def _map_items(value: Raw, place: Place, path: str) -> Raw:
    try:
        items = msgspec.json.decode(value, type=list[Raw])
    except msgspec.ValidationError:
        return value
    return _encoded(
        [_with_text_ids(item, place, f"{path}[{index}]") for index, item in enumerate(items)]
    )


def _map_fields(value: Raw, place_of: Callable[[str], Place | None], path: str) -> Raw:
    try:
        fields = msgspec.json.decode(value, type=dict[str, Raw])
    except msgspec.ValidationError:
        return value
    prefix = f"{path}." if path else ""
    return _encoded(
        {
            name: _with_text_ids(field, place, f"{prefix}{name}")
            if (place := place_of(name))
            else field
            for name, field in fields.items()
        }
    )


def _encoded(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def _places(info: inspect.Type) -> Place | None:
    match info:
        case inspect.Metadata():
            return IdPlace() if is_id_type(info) else _places(info.type)
        case inspect.UnionType():
            return next(filter(None, map(_places, info.types)), None)
        case inspect.ListType() | inspect.VarTupleType():
            items = _places(info.item_type)
            return ItemsPlace(items) if items else None
        case inspect.DictType():
            values = _places(info.value_type)
            return ValuesPlace(values) if values else None
        case inspect.StructType():
            places = {field.encode_name: _places(field.type) for field in info.fields}
            id_fields = {name: place for name, place in places.items() if place}
            return FieldsPlace(id_fields) if id_fields else None
        case _:
            return None
