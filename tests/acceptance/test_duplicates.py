"""What is emitted again, after whatever interruption and however late, is told once."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults import ROOT, Installation, Tenant, eventually, titles
from tests.driver import hello_to

PERMITS = ROOT.parent / "shared" / "data" / "permits.jsonl.gz"
WINDOW_SECONDS = 1
CLERKS_AT_ONCE = 4


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(
        tmp_path_factory.mktemp("duplicates"), {"duplicate_window_seconds": WINDOW_SECONDS}
    ) as running:
        yield running


async def test_a_file_emitted_again_when_the_stream_has_forgotten_it_adds_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        told = [f"number {n}" for n in range(300)]
        file = written(tmp_path, (hello_to("ann", title=title) for title in told))

        for _ in range(2):
            await emit(installation, tenant, file)
            await asyncio.sleep(2 * WINDOW_SECONDS)
        await tenant.emit(hello_to("ann", title="the end"))
        await ann.until(301)

        assert len(await installation.events(tenant.tenant)) == 601
        await tenant.agree("ann", [*told, "the end"], ann)


async def test_an_interrupted_emission_is_run_again(
    installation: Installation, tmp_path: Path
) -> None:
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        told = [f"number {n}" for n in range(5000)]
        file = written(tmp_path, (hello_to("ann", title=title) for title in told))

        interrupted = await emission(installation, tenant, file).spawn()
        await ann.until(1)
        interrupted.kill()
        await interrupted.wait()
        await emit(installation, tenant, file)
        await tenant.emit(hello_to("ann", title="the end"))
        while titles(ann.entries[-1:]) != ["the end"]:
            await ann.next("entries")

        await tenant.agree("ann", [*told, "the end"], ann)


@pytest.mark.skipif(not PERMITS.exists(), reason=f"the real input {PERMITS} is not here")
async def test_two_years_of_permits_come_out_right(installation: Installation) -> None:
    async with Tenant(installation, "permits") as tenant:
        events = [json.loads(line) for line in gzip.decompress(PERMITS.read_bytes()).splitlines()]
        expected = who_is_told(events)
        await emit(installation, tenant, PERMITS)

        await eventually(lambda: totals(tenant, expected), 90)
        clerks = list(expected)
        for start in range(0, len(clerks), CLERKS_AT_ONCE):
            await asyncio.gather(
                *(
                    lists(tenant, clerk, expected[clerk])
                    for clerk in clerks[start : start + CLERKS_AT_ONCE]
                )
            )


def who_is_told(events: Iterable[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """The whole behaviour, as simply as it can be said: of which event of which type everybody is told, in order."""
    assignees: dict[str, set[str]] = defaultdict(set)
    told: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in events:
        data = each["data"]
        if each["type"] == "task.assigned":
            assignees[data["task_id"]].add(data["user_id"])
        concerned = {data["user_id"]} if "user_id" in data else assignees[data["task_id"]]
        for user in concerned - {each.get("actor")}:
            told[user].append((each["type"], json.dumps(data, sort_keys=True)))
    return told


async def totals(tenant: Tenant, expected: dict[str, list[tuple[str, str]]]) -> bool:
    """Whether everybody has at least as much as they should."""
    return all(
        [
            (await tenant.get("/v1/counts", user))["total"] >= len(told)
            for user, told in expected.items()
        ]
    )


async def lists(tenant: Tenant, user: str, told: list[tuple[str, str]]) -> None:
    listed = await tenant.listing(user)
    assert [
        (each["type"], json.dumps(each["data"], sort_keys=True)) for each in reversed(listed)
    ] == told


def written(directory: Path, events: Iterable[dict[str, Any]]) -> Path:
    file = directory / "events.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in events))
    return file


def emission(installation: Installation, tenant: Tenant, file: Path) -> Any:
    return installation.process(
        "emit", "--file", str(file), "--tenant", tenant.tenant, url=installation.gateway_url
    )


async def emit(installation: Installation, tenant: Tenant, file: Path) -> None:
    process = await emission(installation, tenant, file).spawn()
    assert await process.wait() == 0, process.said()
