"""`tidings receipts`: who was told of an event, has it, saw and read it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click
import msgspec
from rich.table import Table
from tidings.analyst import receipts as receipts_
from tidings.analyst.receipts import Confirmation
from tidings.cli.commands.shared import console, with_settings
from tidings.cli.terminal.listen import escape_text
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings

TABLE_COLUMNS = 90
"""A narrower terminal gets a list: the table would break words and times."""


@click.command()
@click.option(
    "--event",
    required=True,
    help="Its number in `tidings events tail`, or TENANT/SOURCE/ID, such as demo/my-service/42.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each person as a line of JSON.")
@with_settings
def receipts(settings: Settings, event: str, as_json: bool) -> None:
    """Who was told of an event: since when a device of theirs has it, when it was seen and read."""

    async def find() -> list[Confirmation]:
        async with open_runtime(settings, "receipts", limits="keep") as runtime:
            return await receipts_.find_receipts(runtime, event)

    confirmations = asyncio.run(find())
    if as_json:
        for each in confirmations:
            click.echo(msgspec.json.encode(each._asdict()))
    elif console.width < TABLE_COLUMNS:
        _print_list(confirmations)
    else:
        console.print(_table(confirmations))


def _print_list(confirmations: list[Confirmation]) -> None:
    """Print each user with a line for each moment, for terminals too narrow for the table."""
    for each in confirmations:
        console.print(f"[bold]{escape_text(each.user)}[/bold]")
        device = f" ({escape_text(each.device)})" if each.device else ""
        moments = {"told": each.told, "delivered": each.delivered}
        for name, moment in {**moments, "seen": each.seen, "read": each.read}.items():
            console.print(f"  {name:<10}{_time(moment)}{device if name == 'delivered' else ''}")
    console.print(_summary(confirmations))


def _table(confirmations: list[Confirmation]) -> Table:
    table = Table(
        "user",
        "told",
        "delivered",
        "to device",
        "seen",
        "read",
        caption=_summary(confirmations),
    )
    for each in confirmations:
        moments = (each.told, each.delivered, each.seen, each.read)
        told_at, since, seen, read_ = map(_time, moments)
        table.add_row(
            escape_text(each.user), told_at, since, escape_text(each.device or ""), seen, read_
        )
    return table


def _summary(confirmations: list[Confirmation]) -> str:
    delivered, read = (
        sum(each.delivered is not None for each in confirmations),
        sum(each.read is not None for each in confirmations),
    )
    return f"{len(confirmations)} told, {delivered} delivered, {read} read"


def _time(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%d %b %H:%M:%S") if moment else "—"
