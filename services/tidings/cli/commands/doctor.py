"""`tidings doctor`: how everything is."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from functools import partial

import click
from rich.markup import escape
from tidings.analyst import doctor as doctor_
from tidings.channels.operators.health import channel_checks
from tidings.cli.commands.shared import console, with_settings
from tidings.notifier.rendering.texts import load_texts
from tidings.notifier.undelivered import check_undelivered
from tidings.runtime.settings import Settings


@click.command()
@with_settings
def doctor(settings: Settings) -> None:
    """Look at every part and say how it is."""

    async def print_findings() -> bool:
        healthy = True
        of_notifier = partial(check_undelivered, texts=load_texts())
        more_checks = (of_notifier, *channel_checks(settings))
        findings = doctor_.run_checks(settings, more_checks)
        async with aclosing(findings):
            async for finding in findings:
                sign = "[green]✓[/green]" if finding.healthy else "[red]✗[/red]"
                console.print(
                    f"{sign} {finding.subject}: ", escape(finding.message), sep="", soft_wrap=True
                )
                healthy = healthy and finding.healthy
        return healthy

    sys.exit(0 if asyncio.run(print_findings()) else 1)
