"""Stories: each product's afternoon comes out as it is told, through the real processes and its own front end."""

from __future__ import annotations

import pytest
from tidings.cli.terminal.stories import STORIES
from tidings.cli.terminal.stories.story import Returns, Story

from tests.acceptance.command import Command


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_story_is_told_to_its_end_and_nobody_in_it_misses_anything(
    cli: Command, story: Story
) -> None:
    told = await cli.well("demo", story.name)

    *scenes, end = told.strip().split("\n\n")
    assert "Nobody missed anything" in end
    assert len(scenes) == 1 + len(story.scenes)
    returns = [
        (scene, text)
        for scene, text in zip(story.scenes, scenes[1:], strict=True)
        if isinstance(scene, Returns)
    ]
    for scene, text in returns:
        assert text.count(f"{scene.user} │") == text.count("│") == scene.missed > 0


async def test_a_story_that_nobody_wrote_is_refused_with_those_there_are(cli: Command) -> None:
    said = await cli.refused("demo", "farm", code=2)

    assert "field-service" in said
    assert "barbershop" in said
