"""The server of metrics has the bounds of every other one."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.metrics.server import serve_metrics
from tidings.runtime.settings import Settings

from tests.acceptance.attacker import Target, request


async def test_the_server_of_metrics_refuses_what_exceeds_a_bound(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    with caplog.at_level(logging.INFO, "tidings.metrics"):
        async with serve_metrics(Settings(metrics_port=0), metrics, lambda: ()):
            found = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", caplog.text)
            assert found
            async with (
                Target("127.0.0.1", int(found[1])).connection() as (reader, writer),
                asyncio.timeout(20),
            ):
                writer.write(request("/metrics", "X-Long: " + "x" * 9000))
                assert (await reader.read()).startswith(b"HTTP/1.1 431 ")

    page = (await metrics.exposition()).decode()
    assert 'tidings_connections_refused_total{reason="head_size"} 1.0' in page
