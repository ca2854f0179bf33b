"""`tidings doctor`: how everything is."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.markup import escape
from tidings.analyst import doctor as doctor_
from tidings.cli.commands.shared import console, reads_settings
from tidings.notifier.silence import silence
from tidings.runtime.settings import Settings


@click.command()
@reads_settings
def doctor(chosen: Settings) -> None:
    """Look at every part and say how it is."""

    async def look() -> bool:
        well = True
        async for finding in doctor_.findings(chosen, (silence,)):
            sign = "[green]✓[/green]" if finding.well else "[red]✗[/red]"
            console.print(f"{sign} {finding.what}: ", escape(finding.words), sep="", soft_wrap=True)
            well = well and finding.well
        return well

    sys.exit(0 if asyncio.run(look()) else 1)
