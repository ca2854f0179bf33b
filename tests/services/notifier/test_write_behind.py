"""Writing behind: events applied in memory are recorded soon, or their leader stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tidings.contracts.codec import decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.relations import RelatedThrough, Relation
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined, UserLeft
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskDeleted,
    TeamMemberAdded,
    TeamMemberRemoved,
)
from tidings.notifier.audience import audience_model, known_events, write_behind
from tidings.notifier.audience.audience import Audience, AudienceQuery
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.refused_events import with_first_seen
from tidings.projections.audience.projection import AUDIENCE
from tidings.runtime.errors import Fenced, Unavailable
from tidings.runtime.readmodels.read_model import live_model

from tests.services.notifier.memory import AudienceMemory, filling
from tests.services.notifier.partition import OwnPartition
from tests.waiting import wait_until

NEWS = AnnouncementPublished(title="-", message="-", to=Addressees(users=("ann",)))
TASK, PROJECT = Relation("task:1", "assignee"), Relation("project:q", "manager")
LINKED = RelatedThrough("task:1", "project", "manager")
TENANT = Relation("tenant", "member")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)


async def make_model(
    partition: OwnPartition, memory: AudienceMemory | None = None
) -> AudienceModel:
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    checkpoint = await checkpoint_of(partition)
    if memory is None:
        return AudienceModel(postgres, model, partition.number, checkpoint)
    made = AudienceModel(
        postgres, model, partition.number, checkpoint, memory.write_behind, memory.known_events
    )
    async with filling(memory.known_events):

        async def is_complete() -> bool:
            return made._coverage.is_complete  # pyright: ignore[reportPrivateUsage]

        await wait_until(is_complete)
    return made


async def checkpoint_of(partition: OwnPartition) -> int:
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    return (await model.checkpoint(postgres, partition.epoch, partition.number)).sequence


async def append(
    partition: OwnPartition, *events: Event, identifier: str | None = None
) -> list[AnyRecordedEvent]:
    """Append events and return them as they are recorded."""
    sequences = [await partition.append_event(event, identifier) for event in events]
    return [
        decode_recorded_event(each.data, each.sequence, each.time_nanoseconds)
        for each in await partition.read_events(after=sequences[0] - 1)
    ]


async def apply(
    model: AudienceModel, batch: Sequence[AnyRecordedEvent], query: AudienceQuery | None = None
) -> Audience:
    return await model.apply_batch(batch, batch[-1].sequence, query or AudienceQuery())


async def test_an_event_applied_in_memory_is_recorded_a_moment_later(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_behind, "INTERVAL_SECONDS", 0.3)
    model = await make_model(partition, AudienceMemory(partition.runtime))
    batch = await append(partition, NEWS)
    before = await checkpoint_of(partition)

    await apply(model, batch)

    assert await checkpoint_of(partition) == before

    async def is_recorded() -> bool:
        return await checkpoint_of(partition) == batch[-1].sequence

    await wait_until(is_recorded)


async def test_a_repeated_event_is_found_before_and_after_it_is_recorded(
    partition: OwnPartition,
) -> None:
    model = await make_model(partition, AudienceMemory(partition.runtime))
    first = await append(partition, NEWS, identifier="same")
    assert not (await apply(model, first)).duplicates
    again = await append(partition, NEWS, identifier="same")
    assert (await apply(model, again)).duplicates == {again[0].sequence}

    other = await make_model(partition, AudienceMemory(partition.runtime))
    last = await append(partition, NEWS, identifier="same")
    assert (await apply(other, last)).duplicates == {last[0].sequence}


async def test_a_leader_whose_events_cannot_be_recorded_stops(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = AudienceMemory(partition.runtime)
    model = await make_model(partition, memory)
    batch = await append(partition, NEWS)
    await apply(model, batch)

    async def fail(*_: object) -> None:
        raise Unavailable("Postgres is away")

    monkeypatch.setattr(memory.write_behind, "_execute", fail)
    await memory.write_behind.flush_all()
    monkeypatch.undo()

    with pytest.raises(Unavailable):
        model.raise_problem()
    with pytest.raises(Unavailable):
        await apply(model, await append(partition, NEWS))
    assert await checkpoint_of(partition) < batch[0].sequence


@pytest.mark.parametrize("committed", [False, True], ids=["not committed", "committed"])
async def test_a_statement_that_failed_once_is_repeated_and_no_leader_stops(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    memory, other = AudienceMemory(partition.runtime), OwnPartition(partition.runtime)
    models = [await make_model(partition, memory), await make_model(other, memory)]
    first = await append(partition, NEWS, identifier="same")
    batches = [first, await append(other, NEWS)]
    for model, batch in zip(models, batches, strict=True):
        await apply(model, batch)
    execute, failures = memory.write_behind._execute, [1]  # pyright: ignore[reportPrivateUsage]

    async def fail_once(*given: Any) -> None:
        failed = bool(failures and failures.pop())
        before = {unsaved: unsaved.saved for unsaved in given[0]}
        if committed or not failed:
            await execute(*given)
        if failed:
            for unsaved, saved in before.items():
                unsaved.saved = saved
            raise Unavailable("the connection is lost")

    monkeypatch.setattr(memory.write_behind, "_execute", fail_once)
    await memory.write_behind.flush_all()

    for model, own, batch in zip(models, (partition, other), batches, strict=True):
        model.raise_problem()
        assert await checkpoint_of(own) == batch[-1].sequence
    again = await append(partition, NEWS, identifier="same")
    assert (await apply(models[0], again)).duplicates == {again[0].sequence}


async def test_a_repeated_statement_does_not_move_the_checkpoint_of_another_process(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = AudienceMemory(partition.runtime)
    model, rival = await make_model(partition, memory), await make_model(partition)
    await apply(model, await append(partition, NEWS))
    execute, failures = memory.write_behind._execute, [1]  # pyright: ignore[reportPrivateUsage]
    sequences: list[int] = []

    async def fail_once(*given: Any) -> None:
        if failures:
            failures.pop()
            newer = await append(partition, NEWS)
            sequences.append(newer[-1].sequence)
            await rival.apply_batch(newer, newer[-1].sequence, AudienceQuery())
            raise Unavailable("the connection is lost")
        await execute(*given)

    monkeypatch.setattr(memory.write_behind, "_execute", fail_once)
    await memory.write_behind.flush_all()

    with pytest.raises(Fenced):
        model.raise_problem()
    assert await checkpoint_of(partition) == sequences[0]


async def test_a_partition_of_another_process_does_not_fail_the_others(
    partition: OwnPartition,
) -> None:
    memory, other = AudienceMemory(partition.runtime), OwnPartition(partition.runtime)
    lost, kept = await make_model(partition, memory), await make_model(other, memory)
    rival = await make_model(partition)
    lost_batch, kept_batch = await append(partition, NEWS), await append(other, NEWS)
    await apply(lost, lost_batch)
    await apply(kept, kept_batch)
    await apply(rival, lost_batch)

    await memory.write_behind.flush_all()

    with pytest.raises(Fenced):
        lost.raise_problem()
    kept.raise_problem()
    assert await checkpoint_of(other) == kept_batch[-1].sequence


async def test_the_checkpoint_passes_the_saved_position_before_an_output_is_appended(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_behind, "INTERVAL_SECONDS", 600)
    memory = AudienceMemory(partition.runtime)
    partition.memory = memory
    for _ in range(3):
        fence = await partition.take_over()
        writer = partition.make_writer(fence)
        router = await partition.make_router(fence, writer)
        async with filling(memory.known_events):
            await asyncio.sleep(0.1)
        for _ in range(2):
            await append(partition, NEWS)
            saved = await partition.saved_position()
            events = await partition.read_events(after=saved.sequence if saved else 0)
            await router.route_batch(events)
            await router.flush()
            assert await checkpoint_of(partition) > (saved.sequence if saved else 0)
            await router.save_position()
        await router.stop()


@pytest.mark.parametrize("seed", range(4))
async def test_memory_answers_as_postgres_does(partition: OwnPartition, seed: int) -> None:
    dice = random.Random(seed)
    remembering = await make_model(partition, AudienceMemory(partition.runtime))
    users = ("ann", "ben", "cas")
    identifiers = [f"event {seed} {number}" for number in range(25)]
    asking = None
    for _ in range(60):
        event = random_event(dice, users)
        batch = await append(partition, event, identifier=dice.choice(identifiers))
        asking = asking or await make_model(partition)
        query = random_query(dice, partition.tenant)
        answer = await apply(remembering, batch, query)
        await remembering.record_past(batch[-1].sequence)
        expected = await asking_answer(asking, batch, query)

        assert answer.duplicates == expected.duplicates
        for recorded in batch:
            for relation in (TASK, PROJECT, LINKED, TENANT):
                if (partition.tenant, relation) in query.relations:
                    for before in (False, True):
                        assert sorted(answer.members(recorded, relation, before=before)) == sorted(
                            expected.members(recorded, relation, before=before)
                        )
            for tenant, user in query.users:
                assert tenant == partition.tenant
                assert answer.locale_of(recorded, user) == expected.locale_of(recorded, user)


async def test_only_events_that_may_be_known_are_looked_up_and_duplicates_are_found(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await make_model(partition, AudienceMemory(partition.runtime))
    looked_up: list[int] = []

    def counted(audience: Audience, asked: Mapping[int, str], first: Mapping[str, int]) -> Audience:
        looked_up.append(len(asked))
        return with_first_seen(audience, asked, first)

    monkeypatch.setattr(audience_model, "with_first_seen", counted)
    new = [UserJoined(user_id=f"u{number}") for number in range(20)]
    await apply(model, await append(partition, *new))
    assert looked_up[-1] <= 2, "a filter takes few new events for known"

    joined = UserJoined(user_id="ann")
    first = await append(partition, joined, identifier="one")
    await apply(model, first)
    batch = [
        *await append(partition, joined, identifier="one"),
        *await append(partition, joined, identifier="two"),
        *await append(partition, joined, identifier="two"),
        *await append(partition, *new),
    ]
    answer = await apply(model, batch)
    assert answer.duplicates == {batch[0].sequence, batch[2].sequence}
    assert not answer.refused
    assert 3 <= looked_up[-1] <= 6


async def asking_answer(
    model: AudienceModel, batch: Sequence[AnyRecordedEvent], query: AudienceQuery
) -> Audience:
    """Return what Postgres answers of events that are applied already."""
    model._unsaved.saved = model._unsaved.applied = batch[-1].sequence  # pyright: ignore[reportPrivateUsage]
    return await apply(model, batch, query)


def random_event(dice: random.Random, users: Sequence[str]) -> Event:
    user = dice.choice(users)
    changes: tuple[Event, ...] = (
        UserJoined(user_id=user, locale=dice.choice(("de", "en", None))),
        UserLeft(user_id=user),
        TaskAssigned(task_id="1", task_title="-", user_id=user, project_id="q"),
        TaskDeleted(task_id="1"),
        TeamMemberAdded(project_id="q", user_id=user, role="manager"),
        TeamMemberRemoved(project_id="q", user_id=user),
    )
    return dice.choice(changes) if dice.random() < 0.4 else NEWS


def random_query(dice: random.Random, tenant: str) -> AudienceQuery:
    query = AudienceQuery()
    for relation in dice.sample((TASK, PROJECT, LINKED, TENANT), dice.randint(0, 2)):
        query.add_members(tenant, relation, dice.random() < 0.5)
    query.add_users(tenant, dice.sample(("ann", "ben", "cas"), dice.randint(0, 2)))
    return query


async def test_an_interrupted_recording_leaves_a_problem_in_every_partition(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, other = AudienceMemory(partition.runtime), OwnPartition(partition.runtime)
    models = [await make_model(partition, memory), await make_model(other, memory)]
    for model, own in zip(models, (partition, other), strict=True):
        await apply(model, await append(own, NEWS))
    results = iter([Fenced("one of them"), ValueError("no error of Postgres that is known")])

    async def fail(*_: object) -> None:
        raise next(results)

    monkeypatch.setattr(memory.write_behind, "_execute", fail)
    with pytest.raises(ValueError, match="no error"):
        await memory.write_behind.flush_all()

    for model in models:
        with pytest.raises(Unavailable):
            model.raise_problem()


async def test_a_partition_is_left_once_its_recording_has_ended(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = AudienceMemory(partition.runtime)
    model = await make_model(partition, memory)
    await apply(model, await append(partition, NEWS))
    gate, execute = asyncio.Event(), memory.write_behind._execute  # pyright: ignore

    async def wait_at_gate(*given: Any) -> None:
        await gate.wait()
        await execute(*given)

    monkeypatch.setattr(memory.write_behind, "_execute", wait_at_gate)
    recording = asyncio.create_task(memory.write_behind.flush_all())
    await asyncio.sleep(0)
    leaving = asyncio.create_task(model.close())
    await asyncio.sleep(0.05)
    assert not leaving.done()

    gate.set()
    await asyncio.gather(recording, leaving)
