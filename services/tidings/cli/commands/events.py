"""`tidings events`: the log of events, for analysts."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import Any

import click
import msgspec
from tidings.analyst import events as events_
from tidings.analyst.exported_event import exported_event
from tidings.cli.commands.shared import console, error_console, with_settings
from tidings.cli.groups import CommandGroup
from tidings.cli.output import run_while_read
from tidings.cli.parameters import EVENT_TYPE, ID, SEQUENCE
from tidings.cli.terminal.listen import escape_text
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings


@click.group(cls=CommandGroup)
def events() -> None:
    """Look at the log of events."""


@events.command()
@click.option("--tenant", type=ID)
@click.option("--type", "type_", type=EVENT_TYPE, help="Only events of this type.")
@click.option("--after", type=SEQUENCE, help="Begin after this sequence instead of now.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@with_settings
def tail(
    settings: Settings, tenant: str | None, type_: str | None, after: int | None, as_json: bool
) -> None:
    """Follow the log of events."""

    async def follow() -> None:
        async with open_runtime(settings, "tail", limits="keep") as runtime:
            if problem := await events_.unknown_name(runtime, tenant, type_):
                error_console.print(f"{problem}; waiting for one", style="dim", markup=False)
            messages = events_.tail_events(runtime, tenant, type_, after)
            async with aclosing(messages):
                async for message in messages:
                    _print_event(message, as_json)

    asyncio.run(run_while_read(follow()))


@events.command()
@click.option("--tenant", type=ID)
@click.option("--type", "type_", type=EVENT_TYPE, help="Only events of this type.")
@click.option("--after", type=SEQUENCE, default=0, help="Begin after this sequence.")
@with_settings
def export(settings: Settings, tenant: str | None, type_: str | None, after: int) -> None:
    """Write all events as JSON lines, with their sequence and time in the log.

    `tidings emit --file` restores them.
    """

    async def write() -> None:
        async with open_runtime(settings, "export", limits="keep") as runtime:
            if problem := await events_.unknown_name(runtime, tenant, type_):
                raise events_.NoSuchEvents(problem)
            messages = events_.export_events(runtime, tenant, type_, after)
            async with aclosing(messages):
                async for message in messages:
                    line = exported_event(
                        message.data, message.subject, message.sequence, message.time_nanoseconds
                    )
                    sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    asyncio.run(write())


def _print_event(message: Any, as_json: bool) -> None:
    if as_json:
        click.echo(message.data)
        return
    console.print(f"{message.sequence:>8}  {escape_text(_summary(message.data))}")


def _summary(body: bytes) -> str:
    """An event in one line; one that cannot be read, as it is."""
    try:
        cloud = msgspec.json.decode(body, type=dict[str, Any])
        fields = msgspec.convert(cloud.get("data", {}), dict[str, Any])
    except msgspec.DecodeError:
        return body.decode(errors="replace")
    data = ", ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    return f"{cloud.get('tenant')}  {cloud.get('type')}  {data}"
