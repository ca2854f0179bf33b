"""Sample events: every field holds its own name, to show what a rule makes of it; pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.event import AnyRecordedEvent, Event, RecordedEvent

SAMPLE_ACTOR = "{actor}"
SAMPLE_NUMBER = 2
"""The value of numeric fields."""


def sample_event(shape: type[Event], *, whole: bool, **values: Any) -> AnyRecordedEvent:
    """Return an event with all fields of its type (`whole`), or only the required ones.

    `values` are those of fields that shall not hold their own name.
    """
    attributes = CloudEvent(
        specversion="1.0", id="{id}", source="/sample", type=shape.type, actor=SAMPLE_ACTOR
    )
    event = msgspec.structs.replace(_struct(shape, whole), **values)
    return RecordedEvent(
        event=event,
        attributes=attributes,
        tenant="{tenant}",
        key="",
        sequence=1,
        time_nanoseconds=0,
    )


def _struct(shape: type[msgspec.Struct], whole: bool) -> Any:
    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    return shape(
        **{
            field.name: _value(field.name, field.type)
            for field in info.fields
            if whole or field.required
        }
    )


def _value(name: str, info: inspect.Type) -> Any:
    match _first_type(info):
        case inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType():
            return SAMPLE_NUMBER
        case inspect.LiteralType(values=values):
            return "normal" if "normal" in values else values[0]
        case inspect.VarTupleType(item_type=item_type):
            return (_value(name, item_type),)
        case inspect.StructType(cls=cls):
            return _struct(cls, True)
        case inspect.StrType():
            return f"{{{name}}}"
        case _:
            return None


def _first_type(info: inspect.Type) -> inspect.Type:
    """Return the first of the possible types, without its metadata."""
    while isinstance(info, inspect.UnionType | inspect.Metadata):
        info = info.types[0] if isinstance(info, inspect.UnionType) else info.type
    return info
