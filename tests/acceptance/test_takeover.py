"""Two notifiers on the same partitions: one routes, the other stands by until it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tidings.contracts.subjects import Person

from tests.acceptance.faults import Installation, Tenant
from tests.driver import event, hello_to


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("takeover"), {}) as running:
        yield running


async def test_the_first_notifier_takes_over_again_when_the_second_dies(
    installation: Installation,
) -> None:
    first = installation.parts["notifier"]
    second = installation.process("notifier", log="second")
    told = [f"{who} {n}" for who in ("first", "second", "first again") for n in range(10)]
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        await tenant.emit(*(hello_to("ann", title=title) for title in told[:10]))
        await ann.until(10)

        await second.start()
        for title in told[10:20]:
            await tenant.emit(hello_to("ann", title=title))
        await ann.until(20)
        second.kill()
        await second.wait()
        await tenant.emit(*(hello_to("ann", title=title) for title in told[20:]))
        await ann.until(30)

        await tenant.agree("ann", told, ann)
    assert first.running
    assert "another notifier routes it; standing by" in first.said()


async def test_each_reading_is_told_once_though_the_notifier_is_killed_while_they_are_stated(
    installation: Installation,
) -> None:
    titles = [f"number {number}" for number in range(6)]
    async with Tenant(installation) as tenant:
        ask = {"message": "-", "to": {"users": ["ann"]}, "receipt": True}
        await tenant.emit(
            *(event("announcement.published", actor="cas", title=title, **ask) for title in titles)
        )
        await tenant.eventually("ann", total=6)
        ann = await (await tenant.connect("ann")).live()
        cas = await (await tenant.connect("cas")).live()

        for number, identifier in enumerate(reversed(ann.shown), 1):
            await ann.mark("read", identifier)
            if number == 4:
                await cas.until(1)
                await installation.kill("notifier")
        await installation.start("notifier")
        await cas.until(6)

        told = [f"ann has read: {title}" for title in titles]
        assert sorted(entry["message"] for entry in cas.entries) == sorted(told)
        assert len(await installation.heard(Person(tenant.tenant, "cas"))) == 6
