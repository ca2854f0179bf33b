"""`tidings up`: everything under one roof."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import click
from rich.logging import RichHandler
from tidings.cli.commands.shared import error_console, exit_with_error, print_retries
from tidings.cli.terminal.first_steps import first_steps
from tidings.client.addresses import admits_other_machines
from tidings.demo.volunteer_project import play_volunteer_project
from tidings.processes.up import run_everything as up_
from tidings.runtime.errors import TidingsError
from tidings.runtime.process import run_until_stopped, warn_of_unread_variables
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Where to listen; 0 for any free port."
)
@click.option("--host", help="On which address to listen.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where to keep the data (.tidings)."
)
@click.option(
    "--demo",
    "with_demo",
    is_flag=True,
    help="Feed it believable events, and show a page to play with.",
)
@click.option(
    "--rebuild",
    is_flag=True,
    help="First make anew the rows that do not fit the log, as after an older copy was restored.",
)
@click.option(
    "--lower-limits",
    is_flag=True,
    help="Keep less than before if the settings say so, and delete what exceeds it.",
)
def up(
    port: int | None,
    host: str | None,
    data_dir: Path | None,
    with_demo: bool,
    rebuild: bool,
    lower_limits: bool,
) -> None:
    """Run everything: embedded NATS and Postgres, and every service."""
    logging.basicConfig(
        level="WARNING",
        handlers=[RichHandler(console=error_console, show_path=False)],
        format="%(message)s",
    )
    warn_of_unread_variables()
    try:
        settings = load_settings(
            include_running=False, port=port, host=host, data_dir=data_dir, demo=with_demo or None
        )
        changes = {"rebuild": rebuild, "lower_limits": lower_limits}
        asyncio.run(run_until_stopped(_up(settings, with_demo, **changes)))
    except TidingsError as problem:
        exit_with_error(problem)


async def _up(settings: Settings, with_demo: bool, **changes: bool) -> None:
    began = time.monotonic()
    if settings.demo and admits_other_machines(settings.host):
        _report(
            f"--demo lets everyone who reaches {settings.host} sign in as any user of it;"
            " omit --host unless you intend that"
        )
    _say(f"starting NATS, Postgres and the services in {settings.data_dir} …")
    async with up_(settings, **changes, say=_say) as url:
        _say(
            f"started in {time.monotonic() - began:.1f} s;"
            f" the services write to {settings.data_dir / 'services.log'}"
        )
        click.echo(f"ready {url}")
        running = load_settings(data_dir=settings.data_dir)
        if running.mailbox_url:
            _say(f"mails stay here: {running.mailbox_url} (TIDINGS_SMTP_HOST lets them leave)")
        if with_demo:
            error_console.print(first_steps(running), soft_wrap=True)
            with print_retries():
                await play_volunteer_project(running, _report)
        await asyncio.Event().wait()


def _report(problem: str) -> None:
    error_console.print(problem, style="yellow", markup=False)


def _say(words: str) -> None:
    error_console.print(words, style="dim", markup=False)
