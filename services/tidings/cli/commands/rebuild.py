"""`tidings rebuild`: a read model anew from the log."""

from __future__ import annotations

import asyncio

import click
from rich.progress import Progress
from tidings.cli.commands.shared import error_console, with_settings
from tidings.projections import PROJECTIONS
from tidings.projector.rebuild import rebuild_read_model as rebuild_
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings


@click.command()
@click.argument("projection", type=click.Choice([projection.name for projection in PROJECTIONS]))
@with_settings
def rebuild(settings: Settings, projection: str) -> None:
    """Build a read model anew from the log beside the live one, then swap them."""
    chosen_projection = next(each for each in PROJECTIONS if each.name == projection)

    async def work() -> tuple[str, str]:
        with Progress(console=error_console, disable=not error_console.is_terminal) as progress:
            task = progress.add_task(f"rebuilding {projection}")
            async with open_runtime(settings, "rebuild") as runtime:
                return await rebuild_(
                    runtime,
                    chosen_projection,
                    lambda done, of: progress.update(task, completed=done, total=of),
                )

    before, after = asyncio.run(work())
    click.echo(f"{projection}: {after} is live; {before} is gone")
