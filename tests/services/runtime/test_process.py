"""Processes: what each of them logs at its start."""

from __future__ import annotations

import json
import os
import subprocess
import sys

RUN_NOTHING = """
import asyncio
from tidings.runtime.process import run_service
from tidings.runtime.settings import Settings
raise SystemExit(run_service(asyncio.sleep(0), Settings()))
"""


def test_a_process_warns_once_of_each_variable_that_the_products_servers_read() -> None:
    variables = {"REDIS_URL": "redis://localhost:6379", "SSE_HEARTBEAT_INTERVAL": "15"}

    process = subprocess.run(
        [sys.executable, "-c", RUN_NOTHING],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    warnings = [
        line["message"]
        for line in map(json.loads, process.stderr.splitlines())
        if line["level"] == "warning"
    ]
    assert sorted(warnings) == [
        "REDIS_URL is not read; NATS (TIDINGS_NATS_URL) takes the place of Redis",
        "SSE_HEARTBEAT_INTERVAL is not read; set TIDINGS_HEARTBEAT_SECONDS",
    ]
