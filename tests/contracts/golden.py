"""Golden files: bytes that were sent over a wire (`wire`), and the value to decode (`means`)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct
from tidings.contracts.event import Event

FOLDER = Path(__file__).parent / "golden"


def list_names(folder: str = "") -> list[str]:
    """Return the names of the golden files of a folder."""
    return sorted(f"{folder}/{path.stem}".lstrip("/") for path in (FOLDER / folder).glob("*.json"))


def read_wire(name: str) -> dict[str, Any]:
    """Return what was sent, as JSON."""
    return _read(name)["wire"]


def read_bytes(name: str) -> bytes:
    """Return what was sent, as bytes."""
    return json.dumps(read_wire(name), ensure_ascii=False).encode()


def read_meaning(name: str) -> dict[str, Any]:
    """Return the value to decode, in the form that `describe_value` gives."""
    return _read(name)["means"]


def describe_value(value: Any) -> Any:
    """Describe a value in terms of JSON, with all its fields, including defaults."""
    match value:
        case Struct():
            return {
                **_tag(value),
                **{name: describe_value(getattr(value, name)) for name in _field_names(value)},
            }
        case tuple():
            return [describe_value(item) for item in value]
        case datetime():
            return msgspec.to_builtins(value)
        case Raw():
            return msgspec.json.decode(value)
        case _:
            return value


def _field_names(value: Struct) -> list[str]:
    """Return the fields to describe: of those that every event has, only those that are given."""
    common = Event.__struct_fields__ if isinstance(value, Event) else ()
    return [
        name
        for name in value.__struct_fields__
        if name not in common or getattr(value, name) is not None
    ]


def _tag(value: Struct) -> dict[str, Any]:
    if isinstance(value, Event):
        return {"type": value.type}
    config = value.__struct_config__
    return {config.tag_field: config.tag} if config.tag_field else {}


def _read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())
