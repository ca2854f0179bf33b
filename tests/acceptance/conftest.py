"""Fixtures of the acceptance tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.acceptance.faults import Installation
from tests.acceptance.rooms import PRESENCE_SECONDS, make_driver_at
from tests.driver import Tidings
from tests.web_processes import make_environment, run_web


@pytest.fixture
def calm(chosen: Settings, url: str) -> Iterator[None]:
    """Check that no service logs a stack trace during the test."""
    log = chosen.data_dir / "services.log"
    before = log.stat().st_size
    yield
    told = log.read_bytes()[before:].decode()
    assert "Traceback" not in told, told


@pytest.fixture(scope="module")
async def other_url(chosen: Settings) -> AsyncIterator[str]:
    """Run another edge; return its URL."""
    async with run_web(chosen, presence_ttl_seconds=PRESENCE_SECONDS) as edge:
        yield edge.url


@pytest.fixture
async def other(tidings: Tidings, other_url: str) -> AsyncIterator[Tidings]:
    """Return a driver of the same tenant at another edge."""
    async with make_driver_at(tidings, other_url) as driver:
        yield driver


@pytest.fixture
def cli(tidings: Tidings, chosen: Settings) -> Command:
    """Return the command line of the test's tenant."""
    return Command(tidings, make_environment(chosen, client_url=tidings.url))


@pytest.fixture(scope="module")
async def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """Run an installation for the module, with the settings in its `INSTALLATION_SETTINGS`."""
    settings: dict[str, object] = getattr(request.module, "INSTALLATION_SETTINGS", {})
    directory = tmp_path_factory.mktemp("installation")
    async with Installation(directory, {**settings, **getattr(request, "param", {})}) as running:
        yield running
