"""Two notifiers on the same partitions: one routes, the other stands by until it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.faults import Installation, Tenant
from tests.driver import hello_to


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("takeover"), {}) as running:
        yield running


async def test_the_first_notifier_takes_over_again_when_the_second_dies(installation: Installation) -> None:
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
