"""`tidings token`: a token for development."""

from __future__ import annotations

import time

import click
from tidings.cli.commands.shared import DAY_SECONDS, with_settings
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.settings import Settings


@click.command()
@click.option("--user", required=True, help="Whose token.")
@click.option("--tenant", default="demo", show_default=True)
@click.option(
    "--scope",
    default="inbox emit",
    show_default=True,
    help="What it permits, words separated by blanks.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    default=1,
    show_default=True,
    help="For how long.",
)
@with_settings
def token(settings: Settings, user: str, tenant: str, scope: str, days: float) -> None:
    """Print a development token."""
    click.echo(
        issue_token(Person(tenant, user), scope, settings.secret, time.time(), days * DAY_SECONDS)
    )
