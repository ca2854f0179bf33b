"""The log of notifications is lost: clients learn of it, and it is rebuilt from the events."""

from __future__ import annotations

import re
import shutil

import httpx

from tests.acceptance.faults import Installation, Tenant, titles_of
from tests.builders import make_announcement

STORE = "nats/jetstream/$G/streams/NOTIFICATIONS"


async def test_a_lost_log_is_reported_and_rebuilt(installation: Installation) -> None:
    async with Tenant(installation) as tenant:
        async with tenant.socket("ann") as before:
            await before.live()
            await tenant.emit(*(make_announcement("ann", title=f"before {n}") for n in range(30)))
            await before.until(30)
            await tenant.wait_for_counts("ann", total=30)

        await installation.kill("nats")
        shutil.rmtree(installation.directory / STORE)
        await installation.start("nats")

        assert await installation.parts["projector"].wait() == 1
        assert await installation.parts["edge"].wait() == 1
        await installation.start("edge")
        projector = await installation.process("projector", log="refused").spawn()
        assert await projector.wait() == 1
        assert "now it is epoch" in projector.read_log()
        assert re.search("tidings rebuild (inbox|receipts)", projector.read_log())

        after = await tenant.connect("ann", before.cursor)
        assert (await after.next("reset"))["reason"] == "epoch"
        answer = await tenant.http.get(
            "/v1/log", params={"after": before.cursor}, headers=tenant.headers("ann")
        )
        assert answer.status_code == httpx.codes.GONE
        assert answer.json()["reason"] == "epoch"

        if not installation.parts["notifier"].is_running:
            await installation.start("notifier")
        await tenant.emit(make_announcement("ann", title="after"))
        titles = [*(f"before {n}" for n in range(30)), "after"]
        while titles_of(after.notifications.values()) != titles:
            await after.next("entries")

        for projection in ("inbox", "receipts"):
            rebuild = await installation.process("rebuild", projection).spawn()
            assert await rebuild.wait() == 0, rebuild.read_log()
        await installation.start("projector")
        await tenant.check_agreement("ann", titles)
