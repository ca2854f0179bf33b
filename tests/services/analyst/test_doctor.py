"""The doctor's findings about read models."""

from __future__ import annotations

from tidings.analyst.doctor import Finding, check_read_models
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
