"""A stream and a connection of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, own_stream


@pytest.fixture
async def stream(runtime: Runtime) -> AsyncIterator[OwnStream]:
    """A new stream."""
    async with own_stream(runtime.jetstream) as made:
        yield made


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[JetStream]:
    """A connection that a test may break."""
    async with connect(runtime.settings.nats, "tests-breaking") as opened:
        yield opened
