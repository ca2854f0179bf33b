"""One event for thousands of users reaches each once, even if the notifier is killed."""

from __future__ import annotations

import pytest
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.subjects import NOTIFICATIONS

from tests.acceptance.faults import Installation, Tenant
from tests.builders import make_event
from tests.delivered_titles import DeliveredTitles, read_tenant_log
from tests.waiting import wait_until

PEOPLE = 12_000
pytestmark = pytest.mark.parametrize(
    "installation",
    [{"topic_threshold_members": 1_000_000}, {"topic_threshold_members": 1000}],
    ids=["alone", "shared"],
    indirect=True,
    scope="module",
)
"""One message per user; or a topic, whose creation writes one message per user."""


async def test_an_announcement_to_all_reaches_each_user_once_if_the_notifier_is_killed(
    installation: Installation,
) -> None:
    async with Tenant(installation) as tenant, connect(installation.nats.url, "tests") as jetstream:
        users = [f"user{n}" for n in range(PEOPLE)]
        for start in range(0, PEOPLE, 1000):
            await tenant.emit(
                *(make_event("user.joined", user_id=user) for user in users[start : start + 1000])
            )
        await tenant.emit(
            make_event(
                "announcement.published", title="to all", message="hello", to={"everyone": True}
            )
        )
        await wait_until(lambda: count_subjects(jetstream))

        await installation.kill("notifier")
        subject_count = await count_subjects(jetstream)
        await installation.start("notifier")
        await wait_until(lambda: is_complete(jetstream))

        assert 0 < subject_count < PEOPLE
        for user in (users[0], users[-1]):
            await tenant.wait_for_counts(user, total=1, unread=1)
        delivered = DeliveredTitles().add_messages(await read_tenant_log(jetstream, tenant.tenant))
        assert {user: len(titles) for user, titles in delivered.titles.items()} == dict.fromkeys(
            users, 1
        )
        assert delivered.membership_count in (0, PEOPLE)


async def count_subjects(jetstream: JetStream) -> int:
    return (await jetstream.call_api(f"STREAM.INFO.{NOTIFICATIONS}"))["state"]["num_subjects"]


async def is_complete(jetstream: JetStream) -> bool:
    return await count_subjects(jetstream) > PEOPLE
