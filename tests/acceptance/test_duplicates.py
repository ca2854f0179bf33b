"""Events that are emitted again, after any interruption and any delay, notify once."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults import ROOT, Installation, Tenant, titles_of
from tests.builders import make_announcement
from tests.waiting import wait_until

PERMITS = ROOT.parent / "shared" / "data" / "permits.jsonl.gz"
WINDOW_SECONDS = 1
INSTALLATION_SETTINGS = {"duplicate_window_seconds": WINDOW_SECONDS}
CLERKS_AT_ONCE = 4


async def test_a_file_emitted_again_after_the_duplicate_window_adds_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        titles = [f"number {n}" for n in range(300)]
        file = write_events(tmp_path, (make_announcement("ann", title=title) for title in titles))

        for _ in range(2):
            await emit_file(installation, tenant, file)
            # Longer than the window in which the stream itself recognises duplicates.
            await asyncio.sleep(2 * WINDOW_SECONDS)
        await tenant.emit(make_announcement("ann", title="the end"))
        await ann.until(301)

        assert len(await installation.export_events(tenant.tenant)) == 601
        await tenant.check_agreement("ann", [*titles, "the end"], ann)


async def test_an_interrupted_emission_can_be_run_again(
    installation: Installation, tmp_path: Path
) -> None:
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        titles = [f"number {n}" for n in range(5000)]
        file = write_events(tmp_path, (make_announcement("ann", title=title) for title in titles))

        emission = await make_emission(installation, tenant, file).spawn()
        await ann.until(1)
        emission.kill()
        await emission.wait()
        await emit_file(installation, tenant, file)
        await tenant.emit(make_announcement("ann", title="the end"))
        while titles_of(ann.entries[-1:]) != ["the end"]:
            await ann.next("entries")

        await tenant.check_agreement("ann", [*titles, "the end"], ann)


@pytest.mark.skipif(not PERMITS.exists(), reason=f"the real input {PERMITS} is not here")
async def test_two_years_of_permits_give_the_expected_notifications(
    installation: Installation,
) -> None:
    async with Tenant(installation, "permits") as tenant:
        events = [json.loads(line) for line in gzip.decompress(PERMITS.read_bytes()).splitlines()]
        expected = expect_notifications(events)
        await emit_file(installation, tenant, PERMITS)

        await wait_until(lambda: have_totals(tenant, expected), 90)
        clerks = list(expected)
        for start in range(0, len(clerks), CLERKS_AT_ONCE):
            await asyncio.gather(
                *(
                    check_list(tenant, clerk, expected[clerk])
                    for clerk in clerks[start : start + CLERKS_AT_ONCE]
                )
            )


def expect_notifications(events: Iterable[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """Return the expected notifications by user: type and data, in order."""
    assignees: dict[str, set[str]] = defaultdict(set)
    notifications: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for event in events:
        data = event["data"]
        if event["type"] == "task.assigned":
            assignees[data["task_id"]].add(data["user_id"])
        recipients = {data["user_id"]} if "user_id" in data else assignees[data["task_id"]]
        for user in recipients:
            notifications[user].append((event["type"], json.dumps(data, sort_keys=True)))
    return notifications


async def have_totals(tenant: Tenant, expected: dict[str, list[tuple[str, str]]]) -> bool:
    """Return whether every user has at least the expected number of notifications."""
    return all(
        [
            (await tenant.get("/v1/counts", user))["total"] >= len(notifications)
            for user, notifications in expected.items()
        ]
    )


async def check_list(tenant: Tenant, user: str, expected: list[tuple[str, str]]) -> None:
    notifications = await tenant.list_all(user)
    assert [
        (notification["type"], json.dumps(notification["data"], sort_keys=True))
        for notification in reversed(notifications)
    ] == expected


def write_events(directory: Path, events: Iterable[dict[str, Any]]) -> Path:
    file = directory / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def make_emission(installation: Installation, tenant: Tenant, file: Path) -> Any:
    return installation.process(
        "emit", "--file", str(file), "--tenant", tenant.tenant, client_url=installation.gateway_url
    )


async def emit_file(installation: Installation, tenant: Tenant, file: Path) -> None:
    process = await make_emission(installation, tenant, file).spawn()
    assert await process.wait() == 0, process.said()
