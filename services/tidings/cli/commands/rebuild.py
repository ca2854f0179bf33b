"""`tidings rebuild`: a read model anew from the log."""

from __future__ import annotations

import asyncio

import click
from rich.progress import Progress
from tidings.cli.commands.shared import error_console, with_settings
from tidings.projections import PROJECTIONS
from tidings.projections.projection import Projection
from tidings.projector.fitness import unfit_read_models
from tidings.projector.rebuild import rebuild_read_model as rebuild_
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings

OUTDATED = "outdated"


@click.command()
@click.argument(
    "projection", type=click.Choice([*(projection.name for projection in PROJECTIONS), OUTDATED])
)
@with_settings
def rebuild(settings: Settings, projection: str) -> None:
    """Build a read model anew from the log beside the live one, then swap them.

    `outdated` means all that this version cannot use: those of an older version, and those whose
    rows do not fit the log.
    """

    async def work() -> None:
        async with open_runtime(settings, "rebuild", limits="keep") as runtime:
            chosen = (
                [each.projection for each in await unfit_read_models(runtime, PROJECTIONS)]
                if projection == OUTDATED
                else [each for each in PROJECTIONS if each.name == projection]
            )
            for each in chosen:
                before, after = await _rebuild(runtime, each)
                click.echo(f"{each.name}: {after} is live; {before} is gone")
            if not chosen:
                click.echo("every read model is of this version and fits the log")

    asyncio.run(work())


async def _rebuild(runtime: Runtime, projection: Projection) -> tuple[str, str]:
    with Progress(console=error_console, disable=not error_console.is_terminal) as progress:
        task = progress.add_task(f"rebuilding {projection.name}")
        return await rebuild_(
            runtime,
            projection,
            lambda done, of: progress.update(task, completed=done, total=of),
        )
