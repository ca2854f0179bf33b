"""`tidings up`: it survives SIGKILL with its data, and stops when it is told to."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.acceptance.faults import Process, titles_of
from tests.builders import make_announcement
from tests.driver import SECRET, Tidings
from tests.ports import find_free_port

STOP_SECONDS = 10.0


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Process]:
    process = make_process(tmp_path)
    yield process
    process.kill()
    await process.wait()


def make_process(directory: Path, *options: str, **more: object) -> Process:
    port = find_free_port()
    settings = {
        "data_dir": directory / "data",
        "jwt_secret": SECRET,
        "port": port,
        "heartbeat_seconds": 1,
        **more,
    }
    return Process(
        ["up", *options],
        {f"TIDINGS_{name.upper()}": str(value) for name, value in settings.items()},
        directory / "up.log",
    )


async def test_after_kill_9_the_next_up_has_everything(up: Process, tmp_path: Path) -> None:
    async with Tidings(await up.start(), None, "acme") as tidings:
        ann = await (await tidings.connect("ann")).live()
        await tidings.emit(*(make_announcement("ann", title=f"number {n}") for n in range(10)))
        titles = titles_of(await ann.until(10))

    up.kill()
    await up.wait()

    async with Tidings(await up.start(), None, "acme") as tidings:
        returning = await (await tidings.connect("ann", ann.cursor)).live()
        await tidings.emit(make_announcement("ann", title="number 10"))
        assert titles_of(await returning.until(1)) == ["number 10"]
        assert titles_of(reversed(await tidings.list_all("ann"))) == [*titles, "number 10"]


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_in_time_with_clients_connected(
    up: Process, tmp_path: Path, stop_signal: signal.Signals
) -> None:
    async with AsyncExitStack() as stack:
        tidings = await stack.enter_async_context(Tidings(await up.start(), None, "acme"))
        for _ in range(2):
            await (await tidings.connect("ann")).live()
            await (await tidings.stream("ann")).live()

        began = time.monotonic()
        up.kill(stop_signal)

        assert await up.wait() == 0
        assert time.monotonic() - began < STOP_SECONDS
        await stack.pop_all().aclose()
