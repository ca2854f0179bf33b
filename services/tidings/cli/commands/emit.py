"""`tidings emit`: one event, or a file of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Self

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tidings.cli.commands.shared import (
    DAY_SECONDS,
    error_console,
    print_retries,
    with_settings,
)
from tidings.cli.parameters import EVENT_TYPE, FIELD, ID
from tidings.cli.terminal.emit import Sender, emit_lines, event_from_fields
from tidings.cli.terminal.emit_error import EmitError
from tidings.cli.terminal.event_lines import EventLines
from tidings.client.errors import Unauthorised
from tidings.client.tidings import Tidings
from tidings.contracts.subjects import Person
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.settings import Settings

DEFAULT_TENANT = "demo"
OPEN_CLIENTS_LIMIT = 32
RESTORE_SCOPES = "emit admin"


@click.command()
@click.argument("type_", metavar="[TYPE]", type=EVENT_TYPE, required=False)
@click.argument("fields", metavar="[FIELD=VALUE]…", type=FIELD, nargs=-1)
@click.option(
    "--file",
    type=click.Path(allow_dash=True),
    help="JSON lines of CloudEvents or of an export, .gz too; - for standard input.",
)
@click.option(
    "--restore",
    is_flag=True,
    help="All lines of --file are of an export, also those of older versions without `logtime`.",
)
@click.option(
    "--tenant",
    type=ID,
    help="The tenant of the event; with --file, of the events that name none.  [default: demo]",
)
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
    restore: bool,
    tenant: str | None,
    **attributes: Any,
) -> None:
    """Append one event, or with --file many; repeating it after an interruption is harmless."""
    if bool(type_) == bool(file):
        raise click.UsageError("give either a TYPE and its fields, or --file")
    if restore and not file:
        raise click.UsageError("--restore needs --file")
    work = (
        _emit_file(settings, file, tenant, restore)
        if file
        else _emit_one(
            settings, tenant or DEFAULT_TENANT, str(type_), field_pairs(fields), **attributes
        )
    )
    try:
        with print_retries():
            asyncio.run(work)
    except Unauthorised as refusal:
        raise EmitError(f"unauthorised: {refusal}") from None


def field_pairs(fields: tuple[str, ...]) -> dict[str, str]:
    """Return the values of FIELD=VALUE by their fields; fails as wrong usage."""
    for field in fields:
        if "=" not in field:
            raise click.UsageError(f"`{field}` is not FIELD=VALUE")
    return {name: value for name, _, value in (field.partition("=") for field in fields)}


def _client(settings: Settings, tenant: str, source: str, *, restores: bool = False) -> Tidings:
    scopes = RESTORE_SCOPES if restores else EVERY_EMIT_SCOPE
    token = settings.client_token or issue_token(
        Person(tenant, "cli"), scopes, settings.secret, time.time(), DAY_SECONDS
    )
    return Tidings(settings.base_url, token, source=source, restores=restores)


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
            actor=actor,
            id=identifier,
            subject=subject,
            time=datetime.now(UTC),
            more=fields,
        )
    word = "known already," if emitted.duplicate else "appended"
    click.echo(f"{word} at sequence {emitted.sequence}")


class _Clients:
    """Opens a client for each sender; a given token or tenant is that of all events."""

    def __init__(self, settings: Settings, tenant: str | None, restores_all: bool) -> None:
        self._settings = settings
        self._only_tenant = tenant
        self._restores_all = restores_all
        self._clients = dict[tuple[str, bool], Tidings]()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def client_for(self, sender: Sender) -> Tidings:
        """Return an open client; the one of a token refuses the events of other tenants."""
        bound = self._settings.client_token is not None
        tenant = self._only_tenant or (None if bound else sender.tenant) or DEFAULT_TENANT
        restores = sender.restores or self._restores_all
        if (tenant, restores) not in self._clients:
            if len(self._clients) == OPEN_CLIENTS_LIMIT:
                await self._close_all()
            self._clients[tenant, restores] = await self._stack.enter_async_context(
                _client(self._settings, tenant, "/cli", restores=restores)
            )
        return self._clients[tenant, restores]

    async def _close_all(self) -> None:
        self._clients.clear()
        await self._stack.pop_all().aclose()


async def _emit_file(settings: Settings, path: str, tenant: str | None, restores_all: bool) -> None:
    lines = EventLines(path)
    columns = (
        TextColumn("emitting"),
        BarColumn(),
        TextColumn("{task.fields[events]} events"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=error_console, disable=not error_console.is_terminal
    ) as progress:
        task = progress.add_task("", total=lines.total_bytes, events=0)

        def report(events: int) -> None:
            read = lines.read_bytes if lines.total_bytes is not None else 0
            progress.update(task, completed=read, events=events)

        async with _Clients(settings, tenant, restores_all) as clients:
            events, new = await emit_lines(clients.client_for, lines.chunks(), report)
    click.echo(f"{events} events: {new} appended, {events - new} known already")
