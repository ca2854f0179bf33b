"""JSON Schema of the contracts (draft 2020-12), so that no shape is described twice; pure."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import NODEFAULT, Raw, inspect
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.events import EVENTS
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.contracts.frames import MarkOperation, Watch
from tidings.contracts.notifications import Filter

Schema = dict[str, Any]

_LIMITS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_PYTHON_END = r"\Z"
_PLAIN: Mapping[type[inspect.Type], Schema] = {
    inspect.NoneType: {"type": "null"},
    inspect.BoolType: {"type": "boolean"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.AnyType: {},
    inspect.RawType: {},
}

_GIVEN: Schema = {"not": {"type": "null"}}
_TEXT: Schema = {"type": "string"}


def _needs(name: str, schema: Schema) -> Schema:
    return {"required": [name], "properties": {name: schema}}


RULES: Mapping[type[msgspec.Struct], Schema] = {
    MarkOperation: {
        "oneOf": [
            _needs("ids", {"minItems": 1}),
            _needs("up_to", _GIVEN),
            _needs("filter", _GIVEN),
        ],
        "if": _needs("state", {"const": "snoozed"}),
        "then": _needs("until", _GIVEN),
        "else": {"properties": {"until": {"type": "null"}}},
    },
    Watch: {"oneOf": [_needs("users", {"minItems": 1}), _needs("relation", _GIVEN)]},
    Filter: {
        "anyOf": [_needs(name, _GIVEN) for name in ("category", "type", "entity", "group")],
        "properties": {"entity": {"anyOf": [{**_TEXT, "pattern": "^[^:]+:.+$"}, {"type": "null"}]}},
    },
    Addressees: {
        "anyOf": [
            _needs("users", {"minItems": 1}),
            _needs("relation", _GIVEN),
            _needs("everyone", {"const": True}),
        ],
    },
}
"""What shapes demand beyond their fields, as their `__post_init__` does."""


class Schemas:
    """The shapes of a document: each Struct is a component that others refer to.

    OpenAPI knows discriminators as objects, which others do not understand.
    """

    def __init__(
        self, prefix: str = "#/components/schemas/", *, discriminators: bool = True
    ) -> None:
        self._prefix = prefix
        self._discriminators = discriminators
        self.components: dict[str, Schema] = {}

    def of(self, shape: Any) -> Schema:
        """The schema of a type; the Structs in it become components."""
        return self._of(inspect.type_info(shape))

    def whole(self, shape: type[msgspec.Struct]) -> Schema:
        """The schema of a Struct itself, not a reference to it."""
        info = inspect.type_info(shape)
        assert isinstance(info, inspect.StructType)
        return self._struct(info)

    def reference(self, name: str) -> Schema:
        """A reference to a component."""
        return {"$ref": self._prefix + name}

    def _of(self, info: inspect.Type) -> Schema:  # noqa: C901  one decision, however many kinds of types
        match info:
            case inspect.Metadata():
                return {**self._of(info.type), **_extra(info)}
            case inspect.StructType():
                return self._reference(info)
            case inspect.UnionType():
                return self._union(info)
            case inspect.LiteralType():
                return {"enum": list(info.values)}
            case inspect.StrType():
                return {"type": "string", **_limits(info, "Length")}
            case inspect.IntType():
                return {"type": "integer", **_limits(info)}
            case inspect.FloatType():
                return {"type": "number", **_limits(info)}
            case inspect.ListType() | inspect.VarTupleType():
                return {
                    "type": "array",
                    "items": self._of(info.item_type),
                    **_limits(info, "Items"),
                }
            case inspect.DictType():
                return {
                    "type": "object",
                    "additionalProperties": self._of(info.value_type),
                    **_limits(info, "Properties"),
                }
            case _:
                return dict(_PLAIN[type(info)])

    def _reference(self, info: inspect.StructType) -> Schema:
        name = info.cls.__name__
        if name not in self.components:
            self.components[name] = {}  # it may contain itself
            self.components[name] = self._struct(info)
        return self.reference(name)

    def _union(self, info: inspect.UnionType) -> Schema:
        schemas = [self._of(each) for each in info.types]
        structs = [each for each in info.types if isinstance(each, inspect.StructType)]
        if len(structs) < 2 or not self._discriminators:
            return {"anyOf" if len(structs) < 2 else "oneOf": schemas}
        mapping = {str(each.tag): self._reference(each)["$ref"] for each in structs}
        return {
            "oneOf": schemas,
            "discriminator": {"propertyName": structs[0].tag_field, "mapping": mapping},
        }

    def _struct(self, info: inspect.StructType) -> Schema:
        tag = {info.tag_field: {"const": info.tag}} if info.tag_field else {}
        return {
            "title": info.cls.__name__,
            "description": cleandoc(info.cls.__doc__ or ""),
            "type": "object",
            "properties": {
                **tag,
                **{field.encode_name: self._field(field) for field in info.fields},
            },
            "required": [*tag, *(field.encode_name for field in info.fields if field.required)],
            **({"additionalProperties": False} if info.forbid_unknown_fields else {}),
            **({"allOf": [RULES[info.cls]]} if info.cls in RULES else {}),
        }

    def _field(self, field: inspect.Field) -> Schema:
        schema = self._of(field.type)
        if field.default is NODEFAULT or field.default is None or "$ref" in schema:
            return schema
        return {**schema, "default": _default(field.default)}


def any_event(schemas: Schemas, without: tuple[type[Event], ...] = ()) -> Schema:
    """A CloudEvent of any type that we know but for these, with its data."""
    kinds = {
        f"{shape.__name__}Event": _event(shape, schemas) for shape in EVENTS if shape not in without
    }
    schemas.components |= kinds
    return {"oneOf": [schemas.reference(name) for name in kinds]}


def _event(shape: type[Event], schemas: Schemas) -> Schema:
    cloud = schemas.whole(CloudEvent)
    properties = {**cloud["properties"], "type": {"const": shape.type}, "data": schemas.of(shape)}
    return {
        **cloud,
        "title": shape.type,
        "description": shape.__doc__,
        "properties": properties,
        "required": [*cloud["required"], "data"],
    }


def ecma(pattern: str) -> str:
    """A pattern as ECMA-262 has it, which JSON Schema asks for; there `$` is the very end."""
    return pattern.removesuffix(_PYTHON_END) + "$" if pattern.endswith(_PYTHON_END) else pattern


def _extra(info: Any) -> Schema:
    return info.extra_json_schema or {}


def _limits(info: inspect.Type, counted: str = "") -> Schema:
    limits = {
        **_LIMITS,
        "min_length": f"min{counted}",
        "max_length": f"max{counted}",
    }
    found = {name: getattr(info, name, None) for name in limits}
    return {
        limits[name]: ecma(value) if name == "pattern" else value
        for name, value in found.items()
        if value is not None
    }


def _default(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, Raw) else msgspec.to_builtins(value)
