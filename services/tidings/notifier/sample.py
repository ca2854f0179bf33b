"""Samples: an event of a type whose fields are their own names, to see what a rule makes of it; pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.events import AnyRecorded, Recorded
from tidings.contracts.events.base import Event

ACTOR = "{actor}"
NUMBER = 2
"""What stands for any number."""


def sample(shape: type[Event], *, whole: bool) -> AnyRecorded:
    """An event with all fields of its type (`whole`), or only with those that it must have."""
    attributes = CloudEvent(
        specversion="1.0", id="{id}", source="/sample", type=shape.type, actor=ACTOR
    )
    event = _struct(shape, whole)
    return Recorded(
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
    match info:
        case inspect.UnionType():
            return _value(name, info.types[0])
        case inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType():
            return NUMBER
        case inspect.LiteralType():
            return "normal" if "normal" in info.values else info.values[0]
        case inspect.VarTupleType():
            return (_value(name, info.item_type),)
        case inspect.StructType():
            return _struct(info.cls, True)
        case inspect.StrType():
            return f"{{{name}}}"
        case _:
            return None
