"""`tidings demo STORY`: plays a product's story on what runs here, or on a start of its own."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click
from tidings.cli.commands.shared import console, error_console, with_settings
from tidings.cli.terminal.story_player import play_story
from tidings.demo.stories import STORIES
from tidings.demo.stories.story import Story
from tidings.processes.up import run_everything
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings


@click.command()
@click.argument("story", type=click.Choice([each.name for each in STORIES]))
@with_settings
def demo(settings: Settings, story: str) -> None:
    """Tell the story of one of the five products, through its own front end."""
    chosen_story = next(each for each in STORIES if each.name == story)
    asyncio.run(
        play_story(chosen_story, settings, console)
        if settings.client_url
        else _play_alone(chosen_story)
    )


async def _play_alone(story: Story) -> None:
    error_console.print(
        "[dim]nothing runs here;"
        " starting NATS, Postgres and the services for this story alone …[/dim]"
    )
    with tempfile.TemporaryDirectory(prefix="tidings-") as directory:
        async with run_everything(
            load_settings(include_running=False, port=0, data_dir=Path(directory))
        ):
            await play_story(story, load_settings(data_dir=Path(directory)), console)
