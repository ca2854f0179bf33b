"""`tidings receipts`: who was told of an event, has it, saw and read it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click
import msgspec
from rich.table import Table
from tidings.analyst import receipts as receipts_
from tidings.analyst.receipts import Confirmation
from tidings.cli.commands.shared import console, reads_settings
from tidings.cli.terminal.listen import printable
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings


@click.command()
@click.option(
    "--event", required=True, help="Its number in `tidings events tail`, or <tenant>/<source>/<id>."
)
@click.option("--json", "as_json", is_flag=True, help="Print each person as a line of JSON.")
@reads_settings
def receipts(chosen: Settings, event: str, as_json: bool) -> None:
    """Who was told of an event: since when a device of theirs has it, when it was seen and read."""

    async def find() -> list[Confirmation]:
        async with open_runtime(chosen, "receipts") as runtime:
            return await receipts_.receipts(runtime, event)

    found = asyncio.run(find())
    if as_json:
        for each in found:
            click.echo(msgspec.json.encode(each._asdict()))
    else:
        console.print(_table(found))


def _table(found: list[Confirmation]) -> Table:
    delivered, read = (
        sum(each.delivered is not None for each in found),
        sum(each.read is not None for each in found),
    )
    table = Table(
        "user",
        "told",
        "delivered",
        "to device",
        "seen",
        "read",
        caption=f"{len(found)} told, {delivered} delivered, {read} read",
    )
    for each in found:
        moments = (each.told, each.delivered, each.seen, each.read)
        told, since, seen, read_ = map(_time, moments)
        table.add_row(printable(each.user), told, since, printable(each.device or ""), seen, read_)
    return table


def _time(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%d %b %H:%M:%S") if moment else "—"
