"""Fixtures of the runtime's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tidings.client.jetstream import JetStream, connect
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, make_own_stream


@pytest.fixture
async def stream(runtime: Runtime) -> AsyncIterator[OwnStream]:
    """Create a stream for one test."""
    async with make_own_stream(runtime.jetstream) as made:
        yield made


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[JetStream]:
    """Open a connection to NATS that the test may break."""
    async with connect(runtime.settings.nats, "tests-breaking") as jetstream:
        yield jetstream
