"""A push is not for somebody who reads just now, unless it is critical or they chose it."""

from __future__ import annotations

from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels
from tests.services.channels.push_service import Browser, serve_pushes
from tests.services.channels.test_mails import deliveries
from tests.services.channels.test_webpush import register
from tests.waiting import wait_until


async def test_who_reads_just_now_is_pushed_what_is_critical_or_chosen(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    alice = await tidings.connect("alice")
    await alice.live()
    async with serve_pushes() as service:
        browser = Browser(service.origin, "alice")
        await register(tidings, browser)
        async with running_channels(service.settings_for(chosen), service.trusted):
            await tidings.emit(make_announcement("alice", title="Absent"))
            (entry,) = await alice.until(1)
            await service.wait_for("alice")
            await alice.mark("seen", entry["id"])
            await tidings.wait_for_counts("alice", unseen=0)

            await tidings.emit(make_announcement("alice", title="Present", priority="high"))

            async def is_dropped() -> bool:
                return ("dropped", "present") in await deliveries(tidings)

            await wait_until(is_dropped)
            await tidings.emit(make_announcement("alice", title="Fire", priority="critical"))
            await service.wait_for("alice", 2)
            await tidings.emit(
                make_event("preference.set", user_id="alice", of="all", channel="push", how="now"),
                make_announcement("alice", title="Chosen"),
            )
            pushes = await service.wait_for("alice", 3)

    assert [browser.read(each)["title"] for each in pushes] == ["Absent", "Fire", "Chosen"]
