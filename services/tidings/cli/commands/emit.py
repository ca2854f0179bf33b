"""`tidings emit`: one event, or a file of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click
import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tidings.cli.commands.shared import DAY_SECONDS, address, errors, reads_settings
from tidings.cli.terminal.emit import Emitter, event, lines_of
from tidings.contracts.subjects import Person
from tidings.runtime.auth import issue
from tidings.runtime.settings import Settings


@click.command()
@click.argument("type_", metavar="[TYPE]", required=False)
@click.argument("fields", metavar="[FIELD=VALUE]…", nargs=-1)
@click.option("--file", help="JSON lines of CloudEvents instead, .gz too; - for standard input.")
@click.option("--tenant", default="demo", show_default=True)
@click.option("--id", "identifier", help="The event's id; the same id is taken once.")
@click.option("--source", default="/cli", show_default=True)
@click.option("--actor", help="Who did it.")
@click.option("--subject", help="What it is about, such as task/456.")
@reads_settings
def emit(
    chosen: Settings,
    type_: str | None,
    fields: tuple[str, ...],
    file: str | None,
    tenant: str,
    **attributes: Any,
) -> None:
    """Append one event, or with --file many; run again after an interruption, nobody is told twice."""
    if bool(type_) == bool(file):
        raise click.UsageError("give either a TYPE and its fields, or --file")
    work = (
        _emit_file(chosen, file, tenant)
        if file
        else _emit_one(chosen, tenant, event(str(type_), _pairs(fields), **attributes))
    )
    asyncio.run(work)


def _pairs(fields: tuple[str, ...]) -> dict[str, str]:
    for field in fields:
        if "=" not in field:
            raise click.UsageError(f"`{field}` is not FIELD=VALUE")
    return {name: value for name, _, value in (field.partition("=") for field in fields)}


def _emitter(
    chosen: Settings, client: httpx.AsyncClient, tenant: str, scopes: str = "emit"
) -> Emitter:
    token = chosen.token or issue(
        Person(tenant, "cli"), scopes, chosen.secret, time.time(), DAY_SECONDS
    )
    return Emitter(
        client,
        token,
        lambda problem: errors.print(problem, style="dim", markup=False, soft_wrap=True),
    )


async def _emit_one(chosen: Settings, tenant: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=address(chosen)) as client:
        receipt = await _emitter(chosen, client, tenant).emit(body)
    word = "appended" if receipt["appended"] else "known already,"
    click.echo(f"{word} at sequence {receipt['sequences'][0][0]}")


async def _emit_file(chosen: Settings, path: str, tenant: str) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeElapsedColumn(),
    )
    total = (
        await asyncio.to_thread(lambda: sum(1 for _ in lines_of(path)))
        if path != "-" and errors.is_terminal
        else None
    )
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task("emitting", total=total)
        async with httpx.AsyncClient(base_url=address(chosen)) as client:
            emitter = _emitter(chosen, client, tenant, "emit admin")
            events, new = await emitter.emit_lines(
                lines_of(path), lambda done, _: progress.update(task, completed=done)
            )
    click.echo(f"{events} events: {new} appended, {events - new} known already")
