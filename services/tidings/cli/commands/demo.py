"""`tidings demo STORY`: one product's story, told to whatever runs here, or to everything started for it alone."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click
from tidings.cli.commands.shared import console, errors, reads_settings
from tidings.cli.terminal.stories import STORIES
from tidings.cli.terminal.stories.play import play
from tidings.cli.terminal.stories.story import Story
from tidings.processes.up import up
from tidings.runtime.settings import Settings, settings


@click.command()
@click.argument("story", type=click.Choice([each.name for each in STORIES]))
@reads_settings
def demo(chosen: Settings, story: str) -> None:
    """Tell the story of one of the five products, through its own front end."""
    told = next(each for each in STORIES if each.name == story)
    asyncio.run(play(told, chosen, console) if chosen.url else _alone(told))


async def _alone(story: Story) -> None:
    errors.print(
        "[dim]nothing runs here; starting NATS, Postgres and the services for this story alone …[/dim]"
    )
    with tempfile.TemporaryDirectory(prefix="tidings-") as directory:
        async with up(settings(running=False, port=0, data_dir=Path(directory))):
            await play(story, settings(data_dir=Path(directory)), console)
