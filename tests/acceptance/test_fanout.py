"""One event for very many people reaches each of them once, whatever happens to the notifier on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from contracts.subjects import INBOXES, NOTIFICATIONS, Person, owner_of
from services.runtime.jetstream import JetStream, connect
from services.runtime.read import read
from tests.acceptance.faults import Installation, Tenant, eventually
from tests.driver import event

PEOPLE = 25_000


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(tmp_path_factory.mktemp("fanout"), {}) as running:
        yield running


async def test_an_announcement_to_all_survives_the_notifier(installation: Installation) -> None:
    async with Tenant(installation) as tenant, connect(installation.nats.url, "tests") as jetstream:
        users = [f"user{n}" for n in range(PEOPLE)]
        for start in range(0, PEOPLE, 1000):
            await tenant.emit(*(event("user.joined", user_id=user) for user in users[start : start + 1000]))
        await tenant.emit(event("announcement.published", title="to all", message="hello", to={"everyone": True}))
        await eventually(lambda: head(jetstream))

        await installation.kill("notifier")
        reached = await head(jetstream)
        await installation.start("notifier")
        await eventually(lambda: complete(jetstream))

        assert 0 < reached < PEOPLE
        assert await told(jetstream) == Counter(users)
        for user in (users[0], users[-1]):
            await tenant.eventually(user, total=1, unread=1)


async def head(jetstream: JetStream) -> int:
    return (await jetstream.call(f"STREAM.INFO.{NOTIFICATIONS}"))["state"]["num_subjects"]


async def complete(jetstream: JetStream) -> bool:
    return await head(jetstream) > PEOPLE


async def told(jetstream: JetStream) -> Counter[str]:
    found: Counter[str] = Counter()
    after = 0
    while page := await read(jetstream, NOTIFICATIONS, INBOXES, after=after):
        found.update(owner.user for message in page if isinstance(owner := owner_of(message.subject), Person))
        after = page[-1].sequence
    return found
