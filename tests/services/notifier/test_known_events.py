"""Known events: a new event may look known, but a known one never looks new."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tidings.notifier.audience import event_filter, known_events
from tidings.notifier.audience.event_filter import EventFilter
from tidings.notifier.audience.known_events import Coverage, KnownEvents
from tidings.projections.audience.projection import AUDIENCE
from tidings.projections.dedup import digest
from tidings.runtime.errors import Unavailable
from tidings.runtime.readmodels.read_model import ReadModel, live_model

from tests.services.notifier.memory import filling
from tests.services.notifier.partition import OwnPartition
from tests.waiting import wait_until


def digests(count: int) -> list[str]:
    return [digest(uuid4().hex) for _ in range(count)]


def test_a_filter_knows_all_that_was_added_and_few_others() -> None:
    one_by_one, packed = digests(2000), digests(2000)
    known = EventFilter(4000)
    known.add(one_by_one)
    known.add_packed(b"".join(map(bytes.fromhex, packed)))

    assert all(map(known.may_contain, one_by_one + packed))
    assert sum(map(known.may_contain, digests(10_000))) < 200
    assert known.count == 4000
    assert not known.is_full


def test_an_overfull_filter_still_knows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_filter, "LIMIT_BITS", 1 << 10)
    added = digests(5000)
    known = EventFilter(5000)
    known.add(added)

    assert all(map(known.may_contain, added))
    assert sum(map(known.may_contain, digests(1000))) > 990
    assert not known.is_full, "a filter of the largest size is never replaced"


class Paused(KnownEvents):
    """Known events whose reading of `seen` has `begun` and waits at `gate`."""

    begun: asyncio.Event
    gate: asyncio.Event

    async def _read_seen(self, model: ReadModel, into: EventFilter) -> None:
        self.begun.set()
        await self.gate.wait()
        await super()._read_seen(model, into)


async def wait_until_complete(coverage: Coverage) -> None:
    async def is_complete() -> bool:
        return coverage.is_complete

    await wait_until(is_complete)


async def record(partition: OwnPartition, model: ReadModel, events: list[str]) -> None:
    async with partition.runtime.postgres.connection() as connection:
        for event in events:
            await connection.execute(
                model.sql("INSERT INTO {schema}.seen VALUES (%s, 1) ON CONFLICT DO NOTHING"),
                (event,),
            )


async def no_flush() -> None:
    """There is nothing to flush."""


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_events, "PAGE_EVENTS", 7)
    monkeypatch.setattr(known_events, "PAGE_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)


@pytest.mark.usefixtures("small_pages")
async def test_a_half_filled_filter_is_not_trusted(partition: OwnPartition) -> None:
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    before, meanwhile, after = digests(30), digests(3), digests(3)
    await record(partition, model, before)
    added: list[str] = []
    known = Paused(postgres, lambda: record(partition, model, added))
    known.begun, known.gate = asyncio.Event(), asyncio.Event()
    coverage = known.open_coverage(model, partition.number, 0)
    async with filling(known):
        await known.begun.wait()
        assert not known.are_new(coverage, digests(1))
        added += meanwhile
        known.add(meanwhile)
        late = known.open_coverage(model, partition.number + 1, 0)
        known.gate.set()
        await wait_until_complete(coverage)
        added += after
        known.add(after)

        assert known.are_new(coverage, digests(1))
        for event in before + meanwhile + after:
            assert not known.are_new(coverage, [event])
        await wait_until_complete(late)
        for event in before:
            assert not known.are_new(late, [event])


@pytest.mark.usefixtures("small_pages")
async def test_what_is_not_recorded_yet_stays_known_in_a_larger_filter(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_events, "SMALLEST_CAPACITY", 10)
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    unrecorded = digests(100_000)

    async def flush() -> None:
        await record(partition, model, unrecorded[: 50 * is_added])

    async def is_replaced() -> bool:
        return known._filter is not first  # pyright: ignore[reportPrivateUsage]

    is_added = False
    known = KnownEvents(postgres, flush)
    coverage = known.open_coverage(model, partition.number, 0)
    async with filling(known):
        await wait_until_complete(coverage)
        first = known._filter  # pyright: ignore[reportPrivateUsage]
        is_added = True
        known.add(unrecorded)
        await wait_until(is_replaced)

    for event in unrecorded[:50]:
        assert not known.are_new(coverage, [event])


async def test_a_filter_that_was_not_read_to_its_end_is_dropped(partition: OwnPartition) -> None:
    model = await live_model(partition.runtime.postgres, AUDIENCE)

    async def fail() -> None:
        raise Unavailable("Postgres is away")

    known = KnownEvents(partition.runtime.postgres, fail)
    coverage = known.open_coverage(model, partition.number, 0)
    with pytest.raises(Unavailable):
        await known.fill_when_needed()
    assert not known.are_new(coverage, digests(1))
    with pytest.raises(Unavailable):
        await known.fill_when_needed()


@pytest.mark.parametrize(("checkpoint", "is_trusted"), [(7, True), (8, False)])
@pytest.mark.usefixtures("small_pages")
async def test_a_partition_that_another_process_applied_is_read_again(
    partition: OwnPartition, checkpoint: int, is_trusted: bool
) -> None:
    model = await live_model(partition.runtime.postgres, AUDIENCE)
    known = KnownEvents(partition.runtime.postgres, no_flush)
    coverage = known.open_coverage(model, partition.number, 0)
    async with filling(known):
        await wait_until_complete(coverage)
    known.close_coverage(coverage, 7)

    again = known.open_coverage(model, partition.number, checkpoint)

    assert known.are_new(again, digests(1)) == is_trusted


async def test_equal_events_of_a_batch_are_not_new(partition: OwnPartition) -> None:
    model = await live_model(partition.runtime.postgres, AUDIENCE)
    known = KnownEvents(partition.runtime.postgres, no_flush)
    coverage = known.open_coverage(model, partition.number, 0)
    async with filling(known):
        await wait_until_complete(coverage)
    (event,) = digests(1)

    (other,) = digests(1)
    assert known.are_new(coverage, [event])
    assert not known.are_new(coverage, [event, event])
    assert known.possibly_known(coverage, [event, other, event]) == {event}


@pytest.mark.usefixtures("small_pages")
async def test_more_events_than_a_filter_tells_apart_are_not_read(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_events, "LIMIT_EVENTS", -1)
    postgres = partition.runtime.postgres
    model = await live_model(postgres, AUDIENCE)
    known = Paused(postgres, no_flush)
    known.begun = asyncio.Event()
    coverage = known.open_coverage(model, partition.number, 0)

    async with filling(known):
        await asyncio.sleep(0.2)

    assert not known.begun.is_set()
    assert not coverage.is_complete
    assert not known.are_new(coverage, digests(1))
