"""Copies: large notifications to many are shared, or refused whole; small ones are written."""

from __future__ import annotations

import msgspec
import pytest
from tidings.contracts import copies
from tidings.contracts.event import Event
from tidings.contracts.subjects import DEAD_LETTERS, dead_letter_subject
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.notifier.partition.position import SERVICE
from tidings.runtime.log.read import last_message

from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.test_topics import route_facts

USERS = [f"u{number}" for number in range(4)]
TEXT = "x" * 6_000


@pytest.fixture
async def partition(partition: OwnPartition, monkeypatch: pytest.MonkeyPatch) -> OwnPartition:
    """Return a partition where three large copies are too many, and every four members joined."""
    monkeypatch.setattr(copies, "COPIES_LIMIT_BYTES", 2 * len(TEXT) + 1_000)
    prepared = await partition.prepared_partition()
    await prepared.append_joins(USERS)
    return prepared


def make_announcement(message: str, **to: object) -> Event:
    return AnnouncementPublished(title="News", message=message, to=msgspec.convert(to, Addressees))


async def test_a_large_text_to_many_members_is_written_once(partition: OwnPartition) -> None:
    delivered = await route_facts(partition, [make_announcement(TEXT, everyone=True)])

    assert (delivered.personal_count, delivered.topic_count) == (0, 1)
    assert delivered.titles == {user: ["News"] for user in USERS}


async def test_a_small_text_to_as_many_members_is_written_to_each(partition: OwnPartition) -> None:
    delivered = await route_facts(partition, [make_announcement("short", everyone=True)])

    assert (delivered.personal_count, delivered.topic_count) == (len(USERS), 0)


async def test_large_copies_that_cannot_be_shared_are_refused_whole(
    partition: OwnPartition,
) -> None:
    sequence = await partition.append_event(make_announcement(TEXT, users=USERS))

    delivered = await route_facts(partition, [make_announcement("next", users=USERS[:1])])

    assert delivered.titles == {USERS[0]: ["News"]}
    dead_letter = await last_message(
        partition.runtime.jetstream,
        DEAD_LETTERS,
        dead_letter_subject(SERVICE, partition.number, sequence),
    )
    assert dead_letter
    assert "4 recipients would each get a copy" in dead_letter.headers["Tidings-Reason"]
