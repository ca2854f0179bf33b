"""`tidings limits`: what the streams keep, and keeping less."""

from __future__ import annotations

import asyncio

import click
from tidings.cli.commands.shared import with_settings
from tidings.client.jetstream import connect
from tidings.runtime.log.install import find_lowered_limits, install_streams
from tidings.runtime.settings import Settings


@click.command()
@click.option(
    "--lower", is_flag=True, help="Lower them to the settings, and delete what exceeds them."
)
@with_settings
def limits(settings: Settings, lower: bool) -> None:
    """Print the limits of the streams that are above the settings; lower them with `--lower`.

    No process lowers a limit by its start; it raises those that are below its settings.
    """

    async def work() -> None:
        async with connect(settings.nats, "tidings-limits") as jetstream:
            lowered = await find_lowered_limits(jetstream, settings)
            for limit in lowered:
                click.echo(f"{limit}{'; lowered' if lower else ''}")
            if not lowered:
                click.echo("no limit in force is above the settings")
            if lower:
                await install_streams(jetstream, settings, "set")

    asyncio.run(work())
