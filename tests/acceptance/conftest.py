"""What acceptance tests may ask for beside the driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.runtime.settings import Settings
from tests.acceptance.command import Command
from tests.driver import Tidings
from tests.web import environment


@pytest.fixture
def calm(chosen: Settings, url: str) -> Iterator[None]:
    """No service logs a stack trace meanwhile."""
    log = chosen.data_dir / "services.log"
    before = log.stat().st_size
    yield
    told = log.read_bytes()[before:].decode()
    assert "Traceback" not in told, told


@pytest.fixture
def cli(tidings: Tidings, chosen: Settings) -> Command:
    """The command line."""
    return Command(tidings, environment(chosen, url=tidings.url))
