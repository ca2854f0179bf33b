"""Refused events: one whose changes Postgres does not store stops no other event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from uuid import uuid4

import pytest
from tidings.contracts.subjects import DEAD_LETTERS, dead_letter_subject
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.notifications.events import NotificationRead
from tidings.domains.people.events import UserJoined, UserLeft
from tidings.notifier.audience import known_events, refused_events
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.refused_events import REFUSED_BEFORE
from tidings.notifier.partition.position import SERVICE
from tidings.notifier.partition.router import Router
from tidings.projections.audience.projection import AUDIENCE
from tidings.runtime.errors import Fenced, Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import live_model

from tests.services.notifier.memory import AudienceMemory, filling
from tests.services.notifier.partition import OwnPartition

TO_ALL = AnnouncementPublished(title="-", message="-", to=Addressees(everyone=True))


REFUSED_GROUP = "room:refused"
REFUSE = """
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'untranslatable_character'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {schema}.closing FOR EACH ROW
WHEN (NEW.group_name = '{group}') EXECUTE FUNCTION {schema}.refuse()
"""


@pytest.fixture(autouse=True)
async def _refusing(runtime: Runtime) -> AsyncIterator[None]:
    """Let Postgres refuse the rows of one group, as it does texts that it cannot store."""
    schema = (await live_model(runtime.postgres, AUDIENCE)).schema
    await execute(runtime, REFUSE.format(schema=schema, group=REFUSED_GROUP))
    yield
    await execute(runtime, f"DROP FUNCTION {schema}.refuse CASCADE")


async def execute(runtime: Runtime, statement: str) -> None:
    async with runtime.postgres.connection() as connection:
        await connection.execute(statement.encode())


def faulty_event() -> NotificationRead:
    """Return an event whose row Postgres refuses; it would notify its sender."""
    return NotificationRead(
        notification_id=str(uuid4()), user_id="eve", title="-", sender="ann", group=REFUSED_GROUP
    )


async def read_dead_letter(partition: OwnPartition, sequence: int) -> StreamMessage | None:
    return await last_message(
        partition.runtime.jetstream,
        DEAD_LETTERS,
        dead_letter_subject(SERVICE, partition.number, sequence),
    )


async def checkpoint_of(partition: OwnPartition) -> int:
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    return (await model.checkpoint(postgres, partition.epoch, partition.number)).sequence


async def append_around_faulty(partition: OwnPartition) -> tuple[list[int], int]:
    """Append joins, announcements and faulty events; return the faulty ones and the last one."""
    faulty: list[int] = []
    for user in ("ann", "ben", "cas"):
        await partition.append_event(UserJoined(user_id=user))
        faulty.append(await partition.append_event(faulty_event()))
        await partition.append_event(TO_ALL)
    await partition.append_event(UserLeft(user_id="ann"))
    return faulty, await partition.append_event(TO_ALL)


EXPECTED = ["ann", "ann", "ben", "ann", "ben", "cas", "ben", "cas"]


async def test_a_refused_event_goes_to_the_dead_letters_and_the_others_are_routed(
    partition: OwnPartition,
) -> None:
    faulty, last = await append_around_faulty(partition)

    await partition.route_all()

    assert await partition.notified_users() == EXPECTED
    assert await partition.saved_position() == Position(last)
    assert await checkpoint_of(partition) == last
    for sequence in faulty:
        letter = await read_dead_letter(partition, sequence)
        assert letter
        assert "Postgres: UntranslatableCharacter" in letter.headers["Tidings-Reason"]
        assert letter.headers["Tidings-Sequence"] == str(sequence)


@pytest.mark.parametrize("has_filter", [False, True], ids=["asked", "filtered"])
async def test_a_refused_event_is_found_again_by_a_takeover_before_it_was_written(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch, has_filter: bool
) -> None:
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)
    faulty, last = await append_around_faulty(partition)

    async def die(*_: object) -> None:
        raise Fenced("it ended before anything was written")

    with monkeypatch.context() as dying:
        dying.setattr(Router, "begin_write", die)
        with pytest.raises(Fenced):
            await partition.route_all()
    assert await checkpoint_of(partition) == last
    assert await read_dead_letter(partition, faulty[0]) is None

    memory = partition.memory = AudienceMemory(partition.runtime) if has_filter else None
    fence = await partition.take_over()
    router = await partition.make_router(fence, partition.make_writer(fence))
    async with filling(memory.known_events) if memory else nullcontext():
        await asyncio.sleep(0.3 * has_filter)
        await router.route_batch(await partition.read_events())
        await router.save_position()
    await router.stop()

    assert await partition.notified_users() == EXPECTED
    for sequence in faulty:
        letter = await read_dead_letter(partition, sequence)
        assert letter
        assert letter.headers["Tidings-Reason"] == REFUSED_BEFORE


async def test_a_copy_of_an_event_is_known_though_its_batch_was_refused_and_then_interrupted(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)
    memory = partition.memory = AudienceMemory(partition.runtime)
    await partition.append_announcement("ann", identifier="first")
    fence = await partition.take_over()
    router = await partition.make_router(fence, partition.make_writer(fence))
    async with filling(memory.known_events):
        await asyncio.sleep(0.3)
        await router.route_batch(await partition.read_events())
        await router.save_position()
        saved = await partition.saved_position()
        assert saved

        await partition.append_announcement("ben", identifier="same")
        await partition.append_event(faulty_event())

        with monkeypatch.context() as away:
            away.setattr(refused_events.RefusedEvents, "_count", fail)
            with pytest.raises(Unavailable):
                await router.route_batch(await partition.read_events(after=saved.sequence))
        await router.stop()
        assert await checkpoint_of(partition) > saved.sequence

        fence = await partition.take_over(await checkpoint_of(partition))
        router = await partition.make_router(fence, partition.make_writer(fence))
        await partition.append_announcement("ben", identifier="same")
        events = await partition.read_events(after=saved.sequence)
        for event in events:
            await router.route_batch([event])
        await router.flush()
        await router.stop()

    assert await partition.notified_users() == ["ann", "ben"]


def fail(*_: object) -> None:
    raise Unavailable("Postgres is away")


async def test_too_many_refusals_in_a_row_stop_the_partition_also_after_a_takeover(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_events, "REFUSED_LIMIT_EVENTS", 3)
    partition.memory = AudienceMemory(partition.runtime)
    for _ in range(2):
        await partition.append_event(faulty_event())
    await partition.append_announcement("ann")
    third = [await partition.append_event(faulty_event()) for _ in range(4)][2]

    for _ in range(2):
        with pytest.raises(Unavailable, match="in a row"):
            await partition.route_all()

    assert await checkpoint_of(partition) == third


async def test_nothing_is_refused_while_postgres_is_away(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = await partition.append_announcement("ann")

    with monkeypatch.context() as away:
        away.setattr(AudienceModel, "_record_seen", fail)
        away.setattr(Postgres, "transaction", fail)
        with pytest.raises(Unavailable):
            await partition.route_all()

    await partition.route_all()
    assert await partition.notified_users() == ["ann"]
    assert await read_dead_letter(partition, sequence) is None
