"""`tidings events`: the log of events, for analysts."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import click
import msgspec
from tidings.analyst import events as events_
from tidings.cli.commands.shared import console, with_settings
from tidings.cli.terminal.listen import escape_text
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings


@click.group()
def events() -> None:
    """Look at the log of events."""


@events.command()
@click.option("--tenant")
@click.option("--type", "type_", help="Only events of this type.")
@click.option("--after", type=int, help="Begin after this sequence instead of now.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@with_settings
def tail(
    settings: Settings, tenant: str | None, type_: str | None, after: int | None, as_json: bool
) -> None:
    """Follow the log of events."""

    async def follow() -> None:
        async with open_runtime(settings, "tail") as runtime:
            async for message in events_.tail_events(runtime, tenant, type_, after):
                _print_event(message, as_json)

    asyncio.run(follow())


@events.command()
@click.option("--tenant")
@click.option("--type", "type_", help="Only events of this type.")
@click.option("--after", type=int, default=0, help="Begin after this sequence.")
@with_settings
def export(settings: Settings, tenant: str | None, type_: str | None, after: int) -> None:
    """Write all events as JSON lines, as they are in the log."""

    async def write() -> None:
        async with open_runtime(settings, "export") as runtime:
            async for message in events_.export_events(runtime, tenant, type_, after):
                sys.stdout.buffer.write(b" ".join(message.data.splitlines()) + b"\n")
        sys.stdout.buffer.flush()

    try:
        asyncio.run(write())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
