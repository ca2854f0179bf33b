"""`tidings outbox`: carry what a service wrote into its own Postgres to the log."""

from __future__ import annotations

import asyncio
import sys

import click
from tidings.cli.commands.shared import with_settings
from tidings.cli.parameters import ID
from tidings.client.outbox import SCHEMA_FILE
from tidings.outbox.table import create_tables
from tidings.outbox.table import retry_refused as again_
from tidings.processes import compose
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.process import run_service
from tidings.runtime.settings import Settings

EXAMPLE = "postgresql://user:password@127.0.0.1/my_service"


@click.command()
@click.option(
    "--dsn",
    help="The service's Postgres; TIDINGS_OUTBOX_DSN keeps a password out of the process list.",
)
@click.option(
    "--tenant", type=ID, help="The only tenant whose events are carried; they need not name it."
)
@click.option("--install", is_flag=True, help="Only make the outbox's tables there.")
@click.option("--again", is_flag=True, help="Only have what was refused tried once more.")
@click.option("--sql", is_flag=True, help="Only print the SQL that makes the tables.")
@with_settings
def outbox(
    settings: Settings, dsn: str | None, tenant: str | None, install: bool, again: bool, sql: bool
) -> None:
    """Carry a service's events from its Postgres to the log, in order, each once.

    Several may run; one works.
    """
    if sql:
        click.echo(SCHEMA_FILE.read_text())
        return
    where = dsn or settings.outbox_dsn
    if where is None:
        raise InvalidSettings(f"give --dsn or TIDINGS_OUTBOX_DSN (for example: {EXAMPLE})")
    if install:
        asyncio.run(create_tables(where))
        click.echo("the outbox is there: tidings_outbox.waiting")
    elif again:
        click.echo(f"{asyncio.run(again_(where))} events are tried again")
    else:
        sys.exit(run_service(compose.outbox_process(settings, where, tenant), settings))
