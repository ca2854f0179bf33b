"""A read model built anew from the log is the one that lived, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tidings.contracts.ids import partition
from tidings.projections import INBOX, PROJECTIONS
from tidings.projections.projection import Message, Projection
from tidings.projector.projector import keep
from tidings.projector.rebuild import rebuild
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Draft
from tidings.runtime.follow import Message as Stored
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.process import Runtime, persist
from tidings.runtime.read import read
from tidings.runtime.readmodel import WHOLE, ReadModel, live

from tests.own_stream import OwnStream, own_stream
from tests.projections.conftest import drop
from tests.projections.folding import rows
from tests.projections.logs import LOGS, PARTITIONS, PEOPLE, TENANTS, batches

WAIT_SECONDS = 30
FEW = settings(
    max_examples=4,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
TOLD = b'"type":"-","category":"-","title":"-","message":"-","tenant":"-","user":"-","created":"2026-01-02T03:04:05Z"'
BODY = b'{"entry":"notification","id":"%b",' + TOLD + b"}"


class Place(Runtime):
    """A runtime whose projection reads a stream of its own."""

    def __init__(
        self, runtime: Runtime, jetstream: JetStream, stream: OwnStream, projection: Projection
    ) -> None:
        chosen = msgspec.structs.replace(runtime.settings, partitions=PARTITIONS)
        super().__init__(chosen, jetstream, runtime.postgres, {stream.name: stream.epoch})
        self.stream = stream
        subjects = tuple(
            {stream.subject(subject.partition(".")[2]) for subject in projection.subjects}
        )
        self.projection = replace(
            projection, name=stream.prefix, stream=stream.name, subjects=subjects
        )

    @property
    def partitions(self) -> Sequence[int]:
        return range(PARTITIONS) if self.projection.partitioned else (WHOLE,)

    async def lay_down(self, log: Sequence[Draft]) -> int:
        """Append a log; returns the last sequence."""
        units = [
            log[at : at + BATCH_LIMIT_MESSAGES] for at in range(0, len(log), BATCH_LIMIT_MESSAGES)
        ]
        appended = [await self.appender().append_batch(unit) for unit in units]
        return appended[-1][-1].sequence

    async def rows(self, schema: str) -> object:
        async with self.postgres.connection() as connection:
            return await rows(connection, schema)

    async def live_up(self, sizes: Sequence[int]) -> ReadModel:
        """Fold what the stream has into the live read model, in batches of these sizes."""
        model = await live(self.postgres, self.projection)
        for number in self.partitions:
            at = (await model.checkpoint(self.postgres, self.stream.epoch, number)).sequence
            for batch in batches(
                await self._all(self.projection.subjects[0].format(partition=number)), sizes
            ):
                executions = model.prepare(
                    change for message in batch for change in self.projection.evolve(message)
                )
                async with self.postgres.transaction() as connection:
                    await model.apply(connection, executions, at, batch[-1].sequence, number)
                at = batch[-1].sequence
        return model

    async def _all(self, subject: str) -> list[Stored]:
        found: list[Stored] = []
        while page := await read(
            self.jetstream, self.stream.name, subject, after=found[-1].sequence if found else 0
        ):
            found += page
        return found

    async def caught_up(self, sequence: int) -> None:
        """Wait until the live read model has come to a sequence."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if await self._checkpoint() >= sequence:
                    return
                await asyncio.sleep(0.01)

    async def _checkpoint(self) -> int:
        async with self.postgres.connection() as connection:
            query = f"SELECT coalesce(max(sequence), 0) FROM {self.projection.name}.checkpoint"
            row = await (await connection.execute(query.encode())).fetchone()
        return row[0] if row else 0


@asynccontextmanager
async def place(runtime: Runtime, projection: Projection) -> AsyncIterator[Place]:
    """A stream and a connection of the test's own."""
    async with (
        connect(runtime.settings.nats, "tests-rebuild") as jetstream,
        own_stream(runtime.jetstream) as stream,
    ):
        made = Place(runtime, jetstream, stream, projection)
        yield made
        await drop(runtime, made.projection)


def many(stream: OwnStream, count: int) -> list[Draft]:
    """Notifications for a few people, each id told again and again."""
    ids = [b"00000000-0000-5000-8000-%012d" % (number % 700) for number in range(count)]
    return [
        Draft(stream.subject(0, *PEOPLE[number % len(PEOPLE)]), BODY % identifier)
        for number, identifier in enumerate(ids)
    ]


def own(stream: OwnStream, message: Message) -> Draft:
    """A message of a random log as one of this stream; events go where their tenant's are."""
    _, number, *rest = message.subject.split(".")
    return Draft(stream.subject(number, *rest), message.data)


@FEW
@given(data=st.data())
@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
async def test_rebuilt_equals_live(
    runtime: Runtime, projection: Projection, data: st.DataObject
) -> None:
    log = data.draw(LOGS[projection.name](most=100))
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=5))
    async with place(runtime, projection) as here:
        await here.lay_down([own(here.stream, message) for message in log])
        lived = await here.live_up(sizes)
        before = await here.rows(lived.schema)

        was, is_now = await rebuild(here, here.projection, lambda *_: None)

        assert was == lived.schema != is_now
        assert await here.rows(is_now) == before
        assert (await live(runtime.postgres, here.projection)).schema == is_now


async def test_a_rebuild_is_complete_though_the_connection_breaks_on_the_way(
    runtime: Runtime,
) -> None:
    async with place(runtime, INBOX) as here:
        last = await here.lay_down(many(here.stream, 5000))
        breaks: list[asyncio.Task[None]] = []

        def break_once(sequence: int, target: int) -> None:
            if not breaks and sequence < target:
                breaks.append(asyncio.create_task(here.jetstream._client.force_reconnect()))

        _, schema = await rebuild(here, here.projection, break_once)

        assert breaks, "all came in one batch"
        assert await here.rows(schema) == await here.rows((await here.live_up([1000])).schema)
        assert (
            await ReadModel(here.projection, schema).checkpoint(runtime.postgres, here.stream.epoch)
        ).sequence == last


async def test_a_read_model_that_is_rebuilt_while_it_lives_goes_on_where_it_was(
    runtime: Runtime,
) -> None:
    async with place(runtime, INBOX) as here:
        await here.lay_down(many(here.stream, 2000))
        await live(runtime.postgres, here.projection)
        keeper = asyncio.create_task(
            persist("keeper", lambda: keep(here, here.projection, lambda: None))
        )
        busy = asyncio.create_task(_append_for_ever(here))
        try:
            await here.caught_up(3000)
            for _ in range(3):
                await rebuild(here, here.projection, lambda *_: None)
        finally:
            busy.cancel()
            with suppress(asyncio.CancelledError):
                await busy
        last = await here.lay_down(many(here.stream, 1))
        await here.caught_up(last)
        keeper.cancel()

        kept = await here.rows((await live(runtime.postgres, here.projection)).schema)
        _, fresh = await rebuild(here, here.projection, lambda *_: None)

        assert kept == await here.rows(fresh)


async def _append_for_ever(here: Place) -> None:
    while True:
        await here.lay_down(many(here.stream, 200))


def test_the_logs_spread_over_all_partitions() -> None:
    assert {partition(tenant, PARTITIONS) for tenant in TENANTS} == set(range(PARTITIONS))
