"""The doctor's findings about read models and streams."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tidings.analyst.finding import Finding
from tidings.analyst.read_model_checks import check_read_models
from tidings.analyst.server_checks import check_streams
from tidings.projections.inbox.projection import INBOX
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import live_model

NAME = "unknown_to_this_version"
SCHEMA = f"{NAME}_v3"


async def test_a_read_model_that_this_version_does_not_know_is_a_finding(runtime: Runtime) -> None:
    insert = "INSERT INTO tidings.read_model (schema, name, version, live) VALUES (%s, %s, 3, true)"
    await live_model(runtime.postgres, INBOX)
    async with runtime.postgres.connection() as connection:
        await connection.execute(insert, (SCHEMA, NAME))
    try:
        findings = [finding async for finding in check_read_models(runtime)]
    finally:
        async with runtime.postgres.connection() as connection:
            await connection.execute("DELETE FROM tidings.read_model WHERE name = %s", (NAME,))

    assert [finding for finding in findings if NAME in finding.subject] == [
        Finding(
            f"read model {NAME}",
            True,
            f"version 3 in {SCHEMA}: no projection of this version has that name; "
            "harmless: nothing writes or reads it, and its schema may be dropped",
        )
    ]


class FakeJetStream:
    """Describes streams with a limit and a size in bytes."""

    def __init__(self, limit_bytes: int, stored_bytes: int) -> None:
        self._info = {
            "created": "2026-01-01T00:00:00Z",
            "config": {"max_bytes": limit_bytes},
            "state": {"last_seq": 7, "bytes": stored_bytes},
        }

    async def call_api(self, _: str) -> dict[str, Any]:
        """Return the description."""
        return self._info


@pytest.mark.parametrize(
    ("limit", "stored", "is_full"),
    [(-1, 10**9, False), (10**9, 10**8, False), (10**9, 10**9 - 1000, True)],
)
async def test_a_full_stream_is_a_problem_that_names_its_setting(
    limit: int, stored: int, is_full: bool
) -> None:
    finding, _ = await check_streams(cast(Any, FakeJetStream(limit, stored)))

    assert finding.healthy is not is_full
    assert ("raise TIDINGS_EVENTS_LIMIT_BYTES" in finding.message) is is_full
