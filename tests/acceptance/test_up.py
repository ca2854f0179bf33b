"""`tidings up`: it survives SIGKILL with its data, keeps mails, and stops when it is told to."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.faults import Process, titles_of
from tests.builders import make_announcement, make_event
from tests.driver import SECRET, Tidings
from tests.ports import find_free_port
from tests.waiting import wait_until

STOP_SECONDS = 10.0


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Process]:
    process = make_process(tmp_path, mailbox="false")
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


async def test_the_mails_of_a_demonstration_stay_on_this_machine(tmp_path: Path) -> None:
    up = make_process(tmp_path, "--demo", smtp_user="left over")
    try:
        async with Tidings(await up.start(), None, "demo") as tidings:
            running = json.loads((tmp_path / "data" / "running.json").read_text())
            await wait_until(lambda: _addresses(tidings))
            soon = {"of": "type:announcement.published", "channel": "email", "how": "now"}
            await tidings.emit(
                make_event("preference.set", user_id="amira", **soon),
                make_announcement("amira", title="Come at noon"),
            )
            found = await wait_until(lambda: _mails(running["mailbox_url"], "amira@demo.example"))
    finally:
        up.kill()
        await up.wait()

    assert "Come at noon" in [mail["subject"] for mail in found]
    assert f"mails stay here: {running['mailbox_url']} " in up.read_log()


async def _addresses(tidings: Tidings) -> list[Any]:
    return (await tidings.get("/v1/addresses", "amira"))["addresses"]


async def _mails(url: str, address: str) -> list[Any]:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.get("/v1/mails", params={"to": address})).json()["mails"]
