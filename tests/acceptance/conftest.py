"""What acceptance tests may ask for beside the driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.acceptance.company import BELIEVED_SECONDS, beside
from tests.driver import Tidings
from tests.webs import environment, web


@pytest.fixture
def calm(chosen: Settings, url: str) -> Iterator[None]:
    """No service logs a stack trace meanwhile."""
    log = chosen.data_dir / "services.log"
    before = log.stat().st_size
    yield
    told = log.read_bytes()[before:].decode()
    assert "Traceback" not in told, told


@pytest.fixture(scope="module")
async def other_url(chosen: Settings) -> AsyncIterator[str]:
    """Where another edge answers."""
    async with web(chosen, presence_seconds=BELIEVED_SECONDS) as edge:
        yield edge.url


@pytest.fixture
async def other(tidings: Tidings, other_url: str) -> AsyncIterator[Tidings]:
    """The same tenant on another edge."""
    async with beside(tidings, other_url) as driver:
        yield driver


@pytest.fixture
def cli(tidings: Tidings, chosen: Settings) -> Command:
    """The command line."""
    return Command(tidings, environment(chosen, url=tidings.url))
