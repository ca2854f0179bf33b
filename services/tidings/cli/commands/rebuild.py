"""`tidings rebuild`: a read model anew from the log."""

from __future__ import annotations

import asyncio

import click
from rich.progress import Progress
from tidings.cli.commands.shared import errors, reads_settings
from tidings.projections import PROJECTIONS
from tidings.projector.rebuild import rebuild as rebuild_
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings


@click.command()
@click.argument("projection", type=click.Choice([projection.name for projection in PROJECTIONS]))
@reads_settings
def rebuild(chosen: Settings, projection: str) -> None:
    """Build a read model anew from the log beside the live one, then swap them."""
    chosen_projection = next(each for each in PROJECTIONS if each.name == projection)

    async def work() -> tuple[str, str]:
        with Progress(console=errors, disable=not errors.is_terminal) as progress:
            task = progress.add_task(f"rebuilding {projection}")
            async with open_runtime(chosen, "rebuild") as runtime:
                return await rebuild_(
                    runtime,
                    chosen_projection,
                    lambda done, of: progress.update(task, completed=done, total=of),
                )

    before, after = asyncio.run(work())
    click.echo(f"{projection}: {after} is live; {before} is gone")
