"""`tidings token`: a token for development."""

from __future__ import annotations

import time

import click
from tidings.cli.commands.shared import DAY_SECONDS, with_settings
from tidings.cli.parameters import ID
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.setting_values import parse_scope
from tidings.runtime.settings import Settings


@click.command()
@click.option("--user", type=ID, required=True, help="Whose token.")
@click.option("--tenant", type=ID, default="demo", show_default=True)
@click.option(
    "--scope",
    default="inbox",
    show_default=True,
    help="What it permits, words separated by blanks: inbox, emit, emit:task.*, bounce, admin.",
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
    """Print a development token, and on standard error what it permits."""
    limit = settings.token_lifetime_limit_seconds
    # A comparison with NaN is false.
    if not 1 <= days * DAY_SECONDS <= limit:
        raise InvalidSettings(
            f"--days: a token of {days:g} days is refused; give 1 second to {limit / DAY_SECONDS:g}"
            " days (TIDINGS_TOKEN_LIFETIME_LIMIT_SECONDS)"
        )
    parse_scope("--scope", scope)
    click.echo(
        issue_token(Person(tenant, user), scope, settings.secret, time.time(), days * DAY_SECONDS)
    )
    click.echo(f"user {user}, tenant {tenant}, scope {scope}, valid for {days:g} days", err=True)
