"""`tidings up`: everything under one roof."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import click
from rich.logging import RichHandler
from tidings.cli.commands.shared import errors, fail
from tidings.cli.terminal import demo_facts as demo
from tidings.processes.up import up as up_
from tidings.runtime.errors import TidingsError
from tidings.runtime.process import until_stopped
from tidings.runtime.settings import Settings, settings


@click.command()
@click.option("--port", type=int, help="Where to listen; 0 for any free port.")
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
def up(port: int | None, host: str | None, data_dir: Path | None, with_demo: bool) -> None:
    """Run everything: embedded NATS and Postgres, and every service."""
    logging.basicConfig(
        level="WARNING",
        handlers=[RichHandler(console=errors, show_path=False)],
        format="%(message)s",
    )
    try:
        chosen = settings(
            running=False, port=port, host=host, data_dir=data_dir, demo=with_demo or None
        )
        asyncio.run(until_stopped(_up(chosen, with_demo)))
    except TidingsError as problem:
        fail(problem)


async def _up(chosen: Settings, with_demo: bool) -> None:
    began = time.monotonic()
    _say(f"starting NATS, Postgres and the services in {chosen.data_dir} …")
    async with up_(chosen) as url:
        _say(
            f"started in {time.monotonic() - began:.1f} s; the services write to {chosen.data_dir / 'services.log'}"
        )
        click.echo(f"ready {url}")
        if with_demo:
            running = settings(data_dir=chosen.data_dir)
            errors.print(demo.where_to_look(running), soft_wrap=True)
            await demo.play(running, errors)
        await asyncio.Event().wait()


def _say(words: str) -> None:
    errors.print(words, style="dim", markup=False)
