"""The log of notifications is lost: nobody pretends otherwise, and it is made anew from the events."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.acceptance.faults import Installation, Tenant, titles
from tests.driver import hello_to

STORE = "nats/jetstream/$G/streams/NOTIFICATIONS"


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("lost"), {}) as running:
        yield running


async def test_a_lost_log_is_told_and_made_anew(installation: Installation) -> None:
    async with Tenant(installation) as tenant:
        async with tenant.socket("ann") as before:
            await before.live()
            await tenant.emit(*(hello_to("ann", title=f"before {n}") for n in range(30)))
            await before.until(30)
            await tenant.eventually("ann", total=30)

        await installation.kill("nats")
        shutil.rmtree(installation.directory / STORE)
        await installation.start("nats")

        assert await installation.parts["projector"].wait() == 1
        assert await installation.parts["edge"].wait() == 1
        await installation.start("edge")
        projector = await installation.process("projector", log="refused").spawn()
        assert await projector.wait() == 1
        assert "now it is epoch" in projector.said()
        assert re.search("tidings rebuild (inbox|receipts)", projector.said())

        after = await tenant.connect("ann", before.cursor)
        assert (await after.next("reset"))["reason"] == "epoch"
        answer = await tenant.http.get(
            "/v1/log", params={"after": before.cursor}, headers=tenant.headers("ann")
        )
        assert answer.status_code == httpx.codes.GONE
        assert answer.json()["reason"] == "epoch"

        if not installation.parts["notifier"].running:
            await installation.start("notifier")
        await tenant.emit(hello_to("ann", title="after"))
        told = [*(f"before {n}" for n in range(30)), "after"]
        while titles(after.notifications.values()) != told:
            await after.next("entries")

        for projection in ("inbox", "receipts"):
            rebuild = await installation.process("rebuild", projection).spawn()
            assert await rebuild.wait() == 0, rebuild.said()
        await installation.start("projector")
        await tenant.agree("ann", told)
