"""`tidings channels`: the service that sends beyond the page, and tests of what it sends by."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from tidings.channels.operators.channel_tests import ChannelTest, post_test_webhook, send_test_mail
from tidings.cli.commands.shared import console, data_dir_option, with_settings
from tidings.cli.groups import CommandGroup
from tidings.processes import compose
from tidings.runtime.process import run_service
from tidings.runtime.settings import Settings

locale_option = click.option(
    "--locale", default="en", show_default=True, help="What the message is written in."
)


@click.group(cls=CommandGroup, invoke_without_command=True)
@data_dir_option
@click.pass_context
def channels(context: click.Context, data_dir: Path | None) -> None:
    """Run the channels: from each person's log to their mails; or test one of them."""
    if context.invoked_subcommand is None:
        _run(data_dir=data_dir)


@with_settings
def _run(settings: Settings) -> None:
    sys.exit(run_service(compose.channels_process(settings), settings))


@channels.group(cls=CommandGroup)
def test() -> None:
    """Send one real message now, and say what came of it."""


@test.command()
@click.option("--to", "address", required=True, help="The address, such as you@example.org.")
@locale_option
@with_settings
def email(settings: Settings, address: str, locale: str) -> None:
    """Mail a test by the relay of the settings."""
    _report(send_test_mail(settings, address, locale))


@test.command()
@click.option("--to", "url", required=True, help="The address, such as https://example.org/hook.")
@locale_option
@with_settings
def webhook(settings: Settings, url: str, locale: str) -> None:
    """Post a signed test, behind the guard that keeps from inner networks."""
    _report(post_test_webhook(settings, url, locale))


def _report(test_: Coroutine[Any, Any, ChannelTest]) -> None:
    """Print what came of a test; exit code 1 if the message was not taken."""
    found = asyncio.run(test_)
    sign = "[green]✓[/green]" if found.taken else "[red]✗[/red]"
    console.print(f"{sign} {escape(found.words)}")
    if found.secret:
        console.print(f"[dim]signed with {escape(found.secret)}[/dim]")
    sys.exit(0 if found.taken else 1)
