"""Emit events from command line arguments or from the lines of a file."""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from tidings.client.errors import EventRefused, Permanent, TidingsError, Transient
from tidings.client.tidings import EmittedEvent, Tidings
from tidings.client.validation import validate_body
from tidings.contracts.codec import unknown_type_message
from tidings.contracts.envelope import EncodedEvent
from tidings.contracts.event import Event
from tidings.domains import EVENTS

CHUNK_LINES = 1000


class EmitError(Permanent):
    """Something could not be emitted; its text says what, where and what to do."""


def event_from_fields(type_: str, fields: dict[str, str]) -> Event:
    """Return the event that words of the command line mean; its type says which are numbers.

    Raises EmitError.
    """
    shape = next((known for known in EVENTS if known.type == type_), None)
    if shape is None:
        raise EmitError(unknown_type_message(type_))
    try:
        return msgspec.convert(_parse_nested(fields), shape, strict=False)
    except msgspec.ValidationError as error:
        raise EmitError(f"{type_}: {error}") from None


async def emit_lines(
    tidings: Tidings, lines: Iterator[bytes], progress: Callable[[int, int], None]
) -> tuple[int, int]:
    """Emit lines of JSON, a thousand at a time; return how many events they had, and how many
    of these were new. Raises EmitError, with nothing stored of a thousand that has a faulty line.
    """
    events = new = read = 0
    while chunk := list(islice(lines, CHUNK_LINES)):
        bodies = {read + place: line.strip() for place, line in enumerate(chunk, 1)}
        emitted = await _emit_chunk(tidings, {n: body for n, body in bodies.items() if body}, read)
        read += len(chunk)
        events += len(emitted)
        new += sum(not each.duplicate for each in emitted)
        progress(events, new)
    return events, new


async def _emit_chunk(
    tidings: Tidings, bodies: dict[int, bytes], before: int
) -> list[EmittedEvent]:
    where = f"lines {before + 1} to {max(bodies, default=before)}"
    encoded = list[EncodedEvent]()
    for number, body in bodies.items():
        try:
            encoded.append(validate_body(body))
        except EventRefused as refusal:
            raise EmitError(f"{where}: {_rejection(refusal, number - before)}") from None
    outcomes = await asyncio.gather(*map(tidings.emit_encoded, encoded), return_exceptions=True)
    for number, outcome in zip(bodies, outcomes, strict=True):
        match outcome:
            case EventRefused():
                raise EmitError(f"{where}: {_rejection(outcome, number - before)}")
            case Transient():
                raise EmitError(
                    f"{where}: {outcome}; run the command again later, nothing is stored twice"
                )
            case TidingsError():
                raise EmitError(f"{where}: {outcome}")
            case BaseException():
                raise outcome
            case _:
                pass
    return [outcome for outcome in outcomes if isinstance(outcome, EmittedEvent)]


def _rejection(refusal: EventRefused, line: int) -> str:
    field = f", field {refusal.field}" if refusal.field else ""
    return f"event rejected, line {line}{field}: {refusal.reason}"


def read_lines(path: str) -> Iterator[bytes]:
    """Yield the lines of a file (.gz too), or of standard input for `-`; raises EmitError."""
    try:
        with _open(path) as file:
            for line in file:
                yield line if line.endswith(b"\n") else line + b"\n"
    except (OSError, EOFError, zlib.error) as error:
        raise EmitError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None


def _open(path: str) -> gzip.GzipFile | BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    return gzip.open(path) if path.endswith(".gz") else Path(path).open("rb")


def _parse_nested(fields: dict[str, str]) -> dict[str, Any]:
    """Return a JSON object such as `{"everyone": true}` decoded, any other value as text."""
    return {
        name: _parse_json(name, value) if value[:1] in ("{", "[") else value
        for name, value in fields.items()
    }


def _parse_json(name: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise EmitError(f"{name}: {error}") from None
