"""`tidings doctor`: how everything is."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.markup import escape

from services.analyst import doctor as doctor_
from services.commands.shared import console, reads_settings
from services.notifier.silence import silence
from services.runtime.settings import Settings


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
