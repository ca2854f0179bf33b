"""One event for very many people reaches each of them once, whatever happens to the notifier on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.jetstream import JetStream, connect

from tests.acceptance.faults import Installation, Tenant, eventually
from tests.driver import event
from tests.heard import Heard, log_of

PEOPLE = 12_000


@pytest.fixture(params=[1_000_000, 1000], ids=["alone", "shared"])
async def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """One that writes a message for each of them, or one that makes a topic of them, which takes as much the first time."""
    async with Installation(
        tmp_path_factory.mktemp("fanout"), {"topic_recipients": request.param}
    ) as running:
        yield running


async def test_an_announcement_to_all_survives_the_notifier(installation: Installation) -> None:
    async with Tenant(installation) as tenant, connect(installation.nats.url, "tests") as jetstream:
        users = [f"user{n}" for n in range(PEOPLE)]
        for start in range(0, PEOPLE, 1000):
            await tenant.emit(
                *(event("user.joined", user_id=user) for user in users[start : start + 1000])
            )
        await tenant.emit(
            event("announcement.published", title="to all", message="hello", to={"everyone": True})
        )
        await eventually(lambda: head(jetstream))

        await installation.kill("notifier")
        reached = await head(jetstream)
        await installation.start("notifier")
        await eventually(lambda: complete(jetstream))

        assert 0 < reached < PEOPLE
        for user in (users[0], users[-1]):
            await tenant.eventually(user, total=1, unread=1)
        heard = Heard().take(await log_of(jetstream, tenant.tenant))
        assert {user: len(titles) for user, titles in heard.titles.items()} == dict.fromkeys(
            users, 1
        )
        assert heard.memberships in (0, PEOPLE)


async def head(jetstream: JetStream) -> int:
    return (await jetstream.call(f"STREAM.INFO.{NOTIFICATIONS}"))["state"]["num_subjects"]


async def complete(jetstream: JetStream) -> bool:
    return await head(jetstream) > PEOPLE
