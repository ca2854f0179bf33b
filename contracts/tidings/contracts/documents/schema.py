"""Generate JSON Schema (draft 2020-12) from the types of the contracts; pure."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import NODEFAULT, Raw, inspect
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.event import Event, EventPart
from tidings.contracts.frames import MarkOperation, Watch
from tidings.contracts.ids import INTEGER_ID_SCHEMA, is_id_type
from tidings.contracts.notifications import Filter
from tidings.domains import EVENTS

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


CONSTRAINTS: Mapping[type[msgspec.Struct], Schema] = {
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
}
"""The demands of Structs beyond their fields, as their `__post_init__` checks them.

A domain's Struct has it as its `schema_constraint`.
"""


class Schemas:
    """The schemas of one document; each Struct is a component that others refer to.

    `discriminators`: whether unions name their discriminator as OpenAPI does, an object that other
    dialects reject.
    """

    def __init__(
        self, prefix: str = "#/components/schemas/", *, discriminators: bool = True
    ) -> None:
        self._prefix = prefix
        self._discriminators = discriminators
        self._in_event = False
        self.components: dict[str, Schema] = {}

    def schema_of(self, shape: Any) -> Schema:
        """Return the schema of a type; its Structs become components."""
        return self._of(inspect.type_info(shape))

    def struct_schema(self, shape: type[msgspec.Struct]) -> Schema:
        """Return the schema of a Struct itself, not a reference to it."""
        info = inspect.type_info(shape)
        assert isinstance(info, inspect.StructType)
        return self._struct(info)

    def reference_to(self, name: str) -> Schema:
        """Return a reference to a component."""
        return {"$ref": self._prefix + name}

    # One branch for each kind of type: splitting it up would not make it simpler.
    def _of(self, info: inspect.Type) -> Schema:  # noqa: C901
        match info:
            case inspect.Metadata():
                schema = {**self._of(info.type), **_extra(info)}
                integer = self._in_event and is_id_type(info)
                return {**schema, **INTEGER_ID_SCHEMA} if integer else schema
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
                names = self._of(info.key_type)
                return {
                    "type": "object",
                    **({"propertyNames": names} if names != _TEXT else {}),
                    "additionalProperties": self._of(info.value_type),
                    **_limits(info, "Properties"),
                }
            case _:
                return dict(_PLAIN[type(info)])

    def _reference(self, info: inspect.StructType) -> Schema:
        name = schema_name(info.cls)
        if name not in self.components:
            self.components[name] = {}  # entered first, because a Struct may contain itself
            self.components[name] = self._struct(info)
        return self.reference_to(name)

    def _union(self, info: inspect.UnionType) -> Schema:
        schemas = [self._of(kind) for kind in info.types]
        structs = [kind for kind in info.types if isinstance(kind, inspect.StructType)]
        if len(structs) < 2 or not self._discriminators:
            return {"anyOf" if len(structs) < 2 else "oneOf": schemas}
        mapping = {str(kind.tag): self._reference(kind)["$ref"] for kind in structs}
        return {
            "oneOf": schemas,
            "discriminator": {"propertyName": structs[0].tag_field, "mapping": mapping},
        }

    def _struct(self, info: inspect.StructType) -> Schema:
        before, self._in_event = self._in_event, issubclass(info.cls, EventPart)
        try:
            return self._fields(info)
        finally:
            self._in_event = before

    def _fields(self, info: inspect.StructType) -> Schema:
        tag = {info.tag_field: {"const": info.tag}} if info.tag_field else {}
        return {
            "title": schema_name(info.cls),
            "description": cleandoc(info.cls.__doc__ or ""),
            "type": "object",
            "properties": {
                **tag,
                **{field.encode_name: self._field(field) for field in info.fields},
            },
            "required": [*tag, *(field.encode_name for field in info.fields if field.required)],
            **({"additionalProperties": False} if info.forbid_unknown_fields else {}),
            **({"allOf": [constraint]} if (constraint := _constraint(info.cls)) else {}),
        }

    def _field(self, field: inspect.Field) -> Schema:
        schema = self._of(field.type)
        if field.default is NODEFAULT or field.default is None or "$ref" in schema:
            return schema
        return {**schema, "default": _default(field.default)}


def any_event_schema(schemas: Schemas, without: tuple[type[Event], ...] = ()) -> Schema:
    """Return the schema of a CloudEvent of any registered type, except those in `without`."""
    kinds = {
        f"{schema_name(shape)}Event": _event(shape, schemas)
        for shape in EVENTS
        if shape not in without
    }
    schemas.components |= kinds
    return {"oneOf": [schemas.reference_to(name) for name in kinds]}


def _event(shape: type[Event], schemas: Schemas) -> Schema:
    cloud = schemas.struct_schema(CloudEvent)
    properties = {
        **cloud["properties"],
        "type": {"const": shape.type},
        "data": schemas.schema_of(shape),
    }
    return {
        **cloud,
        "title": shape.type,
        "description": shape.__doc__,
        "properties": properties,
        "required": [*cloud["required"], "data"],
    }


def ecma_pattern(pattern: str) -> str:
    """Return a pattern of Python as ECMA-262 spells it, which JSON Schema demands."""
    return pattern.removesuffix(_PYTHON_END) + "$" if pattern.endswith(_PYTHON_END) else pattern


def schema_name(shape: type[msgspec.Struct]) -> str:
    """Return the name of a Struct in documents: its own `schema_name`, else that of its class.

    Clients are generated from these names: a class that is renamed keeps its old one.
    """
    return shape.__dict__.get("schema_name", shape.__name__)


def _constraint(shape: type[msgspec.Struct]) -> Schema | None:
    return CONSTRAINTS.get(shape) or getattr(shape, "schema_constraint", None)


def _extra(info: Any) -> Schema:
    return _with_ecma_patterns(info.extra_json_schema or {})


def _with_ecma_patterns(schema: Any) -> Any:
    match schema:
        case dict():
            parts: Schema = schema  # pyright: ignore[reportUnknownVariableType]
            return {
                name: ecma_pattern(value)
                if name == "pattern" and isinstance(value, str)
                else _with_ecma_patterns(value)
                for name, value in parts.items()
            }
        case list():
            values: list[Any] = schema  # pyright: ignore[reportUnknownVariableType]
            return [_with_ecma_patterns(value) for value in values]
        case _:
            return schema


def _limits(info: inspect.Type, counted: str = "") -> Schema:
    limits = {
        **_LIMITS,
        "min_length": f"min{counted}",
        "max_length": f"max{counted}",
    }
    values = {name: getattr(info, name, None) for name in limits}
    return {
        limits[name]: ecma_pattern(value) if name == "pattern" else value
        for name, value in values.items()
        if value is not None
    }


def _default(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, Raw) else msgspec.to_builtins(value)
