"""A disk that is full: it is said while it lasts, and all goes on by itself once there is room."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tidings.client.retries import APPEND_SECONDS

from tests.acceptance.faults import Process, titles_of
from tests.acceptance.problems import says_ready
from tests.acceptance.test_up import make_process
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.waiting import wait_until

DISK_BYTES = 400 * 1024 * 1024
BLOCK = bytes(64 * 1024)
SLACK_SECONDS = 5.0


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a small disk."""
    place = tmp_path_factory.mktemp("disk")
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place))
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


@pytest.fixture(scope="module")
async def up(disk: Path) -> AsyncIterator[Process]:
    process = make_process(disk)
    yield process
    process.kill()
    await process.wait()


async def test_a_disk_that_was_full_is_said_and_the_log_stores_again(
    up: Process, disk: Path
) -> None:
    async with Tidings(await up.start(), None, "acme") as tidings:
        await tidings.emit(make_announcement("ann", title="before"))
        await wait_until(lambda: says_ready(tidings.url, None))

        with suppress(OSError), (disk / "filler").open("wb", 0) as filler:
            while True:
                filler.write(BLOCK[:4096])
        # One append that fails may be an election; several are a log that stores nothing.
        (refused, seconds), _ = await asyncio.gather(
            emit_until_refused(tidings, "first"), emit_until_refused(tidings, "second")
        )
        assert seconds < APPEND_SECONDS + SLACK_SECONDS
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        await wait_until(lambda: says_ready(tidings.url, r"(NATS|log) cannot be used"))
        output = await run_doctor(disk)
        assert re.search(r"✗ NATS: answers, but .*write error.*no space left", output), output
        assert re.search(r"✗ edge: .*not ready: ", output)
        assert "stores nothing" in up.read_log()

        (disk / "filler").unlink()
        await wait_until(lambda: is_emitted(tidings, "after"))
        await wait_until(lambda: says_ready(tidings.url, None))
        await wait_until(lambda: is_listed(tidings, "after"))
        assert "the disk has room; restarting" in " ".join(up.read_log().split())
        assert "✓ NATS: " in await run_doctor(disk)


async def try_to_emit(tidings: Tidings, title: str) -> httpx.Response:
    event = {**make_announcement("ann", title=title), "id": title}
    return await tidings.http.post(
        "/v1/events",
        json=event,
        headers={**tidings.headers(), "Content-Type": "application/cloudevents+json"},
        timeout=60,
    )


async def emit_until_refused(tidings: Tidings, title: str) -> tuple[httpx.Response, float]:
    """Emit until a refusal, as files have some room left; return it and how long it took."""
    for number in range(100):
        began = time.monotonic()
        answer = await try_to_emit(tidings, f"{title} while it is full {number}")
        if answer.status_code != 200:
            return answer, time.monotonic() - began
    raise AssertionError("the disk is not full")


async def is_emitted(tidings: Tidings, title: str) -> bool:
    return (await try_to_emit(tidings, title)).status_code == 200


async def is_listed(tidings: Tidings, title: str) -> bool:
    """Return whether a title is listed, with that which came before the disk was full."""
    answer = await tidings.http.get("/v1/notifications", headers=tidings.headers("ann"))
    if answer.status_code != 200:
        return False
    titles = titles_of(reversed(answer.json()["notifications"]))
    return titles[0] == "before" and titles[-1] == title


async def run_doctor(disk: Path) -> str:
    doctor = await Process(
        ["doctor"], {"TIDINGS_DATA_DIR": str(disk / "data")}, disk.parent / "doctor.log"
    ).spawn()
    output = (await asyncio.wait_for(doctor.stdout.read(), 60)).decode()
    await doctor.wait()
    assert "Traceback" not in doctor.read_log()
    return output
