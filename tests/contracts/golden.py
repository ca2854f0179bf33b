"""Golden files: what once went over a wire (`wire`), and the value that it must be read as for ever (`means`)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct
from tidings.contracts.events.base import Event

FOLDER = Path(__file__).parent / "golden"


def names(folder: str = "") -> list[str]:
    """The golden files of a folder."""
    return sorted(f"{folder}/{path.stem}".lstrip("/") for path in (FOLDER / folder).glob("*.json"))


def wire(name: str) -> dict[str, Any]:
    """What went over the wire, as JSON says it."""
    return _read(name)["wire"]


def sent(name: str) -> bytes:
    """The same as bytes."""
    return json.dumps(wire(name), ensure_ascii=False).encode()


def means(name: str) -> dict[str, Any]:
    """What it must be read as, spelled as `shown` spells a value."""
    return _read(name)["means"]


def shown(value: Any) -> Any:
    """A value in terms of JSON, with all its fields, those left to their defaults too."""
    match value:
        case Struct():
            return {
                **_tag(value),
                **{name: shown(getattr(value, name)) for name in value.__struct_fields__},
            }
        case tuple():
            return [shown(each) for each in value]
        case datetime():
            return msgspec.to_builtins(value)
        case Raw():
            return msgspec.json.decode(value)
        case _:
            return value


def _tag(value: Struct) -> dict[str, Any]:
    if isinstance(value, Event):
        return {"type": value.type}
    config = value.__struct_config__
    return {config.tag_field: config.tag} if config.tag_field else {}


def _read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())
