"""Stories: the demonstration of each product runs as written, through the real processes."""

from __future__ import annotations

import pytest
from tidings.demo.stories import STORIES
from tidings.demo.stories.story import ReturnScene, Story

from tests.acceptance.command import Command


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_story_runs_to_its_end_and_no_user_misses_anything(
    cli: Command, story: Story
) -> None:
    output = await cli.read_output("demo", story.name)

    *scenes, end = output.strip().split("\n\n")
    assert "Nobody missed anything" in end
    assert len(scenes) == 1 + len(story.scenes)
    returns = [
        (scene, text)
        for scene, text in zip(story.scenes, scenes[1:], strict=True)
        if isinstance(scene, ReturnScene)
    ]
    for scene, text in returns:
        assert text.count(f"{scene.user} │") == text.count("│") == scene.missed > 0


async def test_an_unknown_story_is_refused_with_the_known_ones(cli: Command) -> None:
    error = await cli.read_error("demo", "farm", code=2)

    assert "field-service" in error
    assert "barbershop" in error
