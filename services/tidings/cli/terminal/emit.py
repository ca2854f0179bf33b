"""Emit events from command line arguments or from the lines of a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from tidings.analyst.exported_event import restored_event, stated_tenant
from tidings.cli.terminal.emit_error import EmitError
from tidings.client.errors import EventRefused, TidingsError, Transient
from tidings.client.tidings import EmittedEvent, Tidings
from tidings.client.validation import validate_body
from tidings.contracts.codec import unknown_type_message
from tidings.contracts.envelope import EncodedEvent
from tidings.contracts.event import Event
from tidings.domains import EVENTS


class Sender(NamedTuple):
    """Who emits an event: its tenant, None if it states none, and whether it is of an export."""

    tenant: str | None
    restores: bool


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
    client_for: Callable[[Sender], Awaitable[Tidings]],
    chunks: AsyncIterator[list[bytes]],
    report_progress: Callable[[int], None],
) -> tuple[int, int]:
    """Emit chunks of lines of JSON; return how many events they had, and how many were new.

    Raises EmitError, with nothing stored of a chunk in which a line is no valid event.
    """
    events = new = read = 0
    async for chunk in chunks:
        lines = {
            read + place: stripped
            for place, line in enumerate(chunk, 1)
            if (stripped := line.strip())
        }
        emitted = await _emit_chunk(client_for, lines, read)
        read += len(chunk)
        events += len(emitted)
        new += sum(not each.duplicate for each in emitted)
        report_progress(events)
    return events, new


async def _emit_chunk(
    client_for: Callable[[Sender], Awaitable[Tidings]], lines: dict[int, bytes], before: int
) -> list[EmittedEvent]:
    """Emit the events of a chunk, those of each tenant in their order, one tenant at a time."""
    where = f"lines {before + 1} to {max(lines, default=before)}"
    encoded = dict[Sender, dict[int, EncodedEvent]]()
    for number, line in lines.items():
        body = restored_event(line)
        sender = Sender(stated_tenant(body), restores=body is not line)
        try:
            encoded.setdefault(sender, {})[number] = validate_body(body)
        except EventRefused as refusal:
            raise EmitError(f"{where}: {_rejection(refusal, number - before)}") from None
    emitted = list[EmittedEvent]()
    for sender, events in encoded.items():
        client = await client_for(sender)
        emissions = {number: client.emit_encoded(event) for number, event in events.items()}
        emitted += await _outcomes(emissions, where, before)
    return emitted


async def _outcomes(
    emissions: Mapping[int, Awaitable[EmittedEvent]], where: str, before: int
) -> list[EmittedEvent]:
    outcomes = await asyncio.gather(*emissions.values(), return_exceptions=True)
    for number, outcome in zip(emissions, outcomes, strict=True):
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
