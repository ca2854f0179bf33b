"""`tidings emit`: one event, or a file of them."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tidings.cli.commands.shared import (
    DAY_SECONDS,
    base_url,
    error_console,
    print_retries,
    with_settings,
)
from tidings.cli.terminal.emit import EmitError, emit_lines, event_from_fields, read_lines
from tidings.client.errors import Unauthorised
from tidings.client.tidings import Tidings
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
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
@with_settings
def emit(
    settings: Settings,
    type_: str | None,
    fields: tuple[str, ...],
    file: str | None,
    tenant: str,
    **attributes: Any,
) -> None:
    """Append one event, or with --file many; repeating it after an interruption is harmless."""
    if bool(type_) == bool(file):
        raise click.UsageError("give either a TYPE and its fields, or --file")
    work = (
        _emit_file(settings, file, tenant)
        if file
        else _emit_one(settings, tenant, str(type_), _pairs(fields), **attributes)
    )
    try:
        with print_retries():
            asyncio.run(work)
    except Unauthorised as refusal:
        raise EmitError(f"unauthorised: {refusal}") from None


def _pairs(fields: tuple[str, ...]) -> dict[str, str]:
    for field in fields:
        if "=" not in field:
            raise click.UsageError(f"`{field}` is not FIELD=VALUE")
    return {name: value for name, _, value in (field.partition("=") for field in fields)}


def _client(settings: Settings, tenant: str, source: str, scopes: str = "emit") -> Tidings:
    token = settings.client_token or issue_token(
        Person(tenant, "cli"), scopes, settings.secret, time.time(), DAY_SECONDS
    )
    return Tidings(base_url(settings), token, source=source)


async def _emit_one(
    settings: Settings,
    tenant: str,
    type_: str,
    fields: dict[str, str],
    *,
    source: str,
    identifier: str | None,
    actor: str | None,
    subject: str | None,
) -> None:
    event = event_from_fields(type_, fields)
    async with _client(settings, tenant, source) as tidings:
        emitted = await tidings.emit(
            event,
            actor=actor or None,
            id=identifier or None,
            subject=subject or None,
            time=datetime.now(UTC),
            more=fields,
        )
    word = "known already," if emitted.duplicate else "appended"
    click.echo(f"{word} at sequence {emitted.sequence}")


async def _emit_file(settings: Settings, path: str, tenant: str) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeElapsedColumn(),
    )
    total = (
        await asyncio.to_thread(lambda: sum(1 for _ in read_lines(path)))
        if path != "-" and error_console.is_terminal
        else None
    )
    with Progress(
        *columns, console=error_console, disable=not error_console.is_terminal
    ) as progress:
        task = progress.add_task("emitting", total=total)
        async with _client(settings, tenant, "/cli", "emit admin") as tidings:
            events, new = await emit_lines(
                tidings, read_lines(path), lambda done, _: progress.update(task, completed=done)
            )
    click.echo(f"{events} events: {new} appended, {events - new} known already")
