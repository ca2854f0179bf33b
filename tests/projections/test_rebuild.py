"""A read model that is rebuilt from the log equals the live one, even with failures meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.ids import partition_number
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.projections import INBOX, PROJECTIONS
from tidings.projections.projection import LogMessage, Projection
from tidings.projector.projector import run_projection
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.log.follow import StreamMessage as Stored
from tidings.runtime.log.read import read
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import UNPARTITIONED, ReadModel, live_model

from tests.own_stream import OwnStream, make_own_stream
from tests.projections.conftest import drop_read_models
from tests.projections.folding import read_rows
from tests.projections.logs import LOGS, PARTITIONS, PEOPLE, TENANTS, batches

WAIT_SECONDS = 30
FEW = settings(
    max_examples=4,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=(
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
        HealthCheck.function_scoped_fixture,
    ),
)
FIELDS = (
    b'"type":"-","category":"-","title":"-","message":"-","tenant":"-","user":"-",'
    b'"created":"2026-01-02T03:04:05Z"'
)
BODY = b'{"entry":"notification","id":"%b",' + FIELDS + b"}"


class OwnLog(Runtime):
    """A runtime whose projection reads a stream of its own."""

    def __init__(
        self, runtime: Runtime, jetstream: JetStream, stream: OwnStream, projection: Projection
    ) -> None:
        chosen = msgspec.structs.replace(runtime.settings, partitions=PARTITIONS)
        super().__init__(
            chosen, jetstream, runtime.postgres, {stream.name: stream.epoch}, runtime.own_ids
        )
        self.stream = stream
        subjects = tuple(
            {stream.subject(subject.partition(".")[2]) for subject in projection.subjects}
        )
        self.projection = replace(
            projection, name=stream.prefix, stream=stream.name, subjects=subjects
        )

    @property
    def partitions(self) -> Sequence[int]:
        return range(PARTITIONS) if self.projection.partitioned else (UNPARTITIONED,)

    async def append_log(self, log: Sequence[NewMessage]) -> int:
        """Append a log, and return its last sequence."""
        units = [
            log[at : at + BATCH_LIMIT_MESSAGES] for at in range(0, len(log), BATCH_LIMIT_MESSAGES)
        ]
        appended = [await self.appender().append_batch(unit) for unit in units]
        return appended[-1][-1].sequence

    async def rows(self, schema: str) -> object:
        async with self.postgres.connection() as connection:
            return await read_rows(connection, schema)

    async def update_live_model(self, sizes: Sequence[int]) -> ReadModel:
        """Apply the stream to the live read model, in batches of these sizes."""
        model = await live_model(self.postgres, self.projection)
        for number in self.partitions:
            at = (await model.checkpoint(self.postgres, self.stream.epoch, number)).sequence
            for batch in batches(
                await self._all(self.projection.subjects[0].format(partition=number)), sizes
            ):
                executions = model.prepare_changes(
                    change for message in batch for change in self.projection.changes_of(message)
                )
                async with self.postgres.transaction() as connection:
                    await model.apply_changes(
                        connection, executions, at, batch[-1].sequence, number
                    )
                at = batch[-1].sequence
        return model

    async def _all(self, subject: str) -> list[Stored]:
        messages: list[Stored] = []
        while page := await read(
            self.jetstream,
            self.stream.name,
            subject,
            after=messages[-1].sequence if messages else 0,
        ):
            messages += page
        return messages

    async def wait_for_checkpoint(self, sequence: int) -> None:
        """Wait until the live read model has reached a sequence."""
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
async def make_own_log(runtime: Runtime, projection: Projection) -> AsyncIterator[OwnLog]:
    """Create a stream and a connection for one test."""
    async with (
        connect(runtime.settings.nats, "tests-rebuild") as jetstream,
        make_own_stream(runtime.jetstream) as stream,
    ):
        log = OwnLog(runtime, jetstream, stream, projection)
        yield log
        await drop_read_models(runtime, log.projection)


def make_drafts(stream: OwnStream, count: int) -> list[NewMessage]:
    """Return notifications for a few users, with ids that repeat."""
    ids = [b"00000000-0000-5000-8000-%012d" % (number % 700) for number in range(count)]
    return [
        NewMessage(stream.subject(0, *PEOPLE[number % len(PEOPLE)]), BODY % identifier)
        for number, identifier in enumerate(ids)
    ]


def move_to_stream(stream: OwnStream, message: LogMessage) -> NewMessage:
    """Return a message of a random log as a message of this stream; events move to their tenant."""
    _, number, *rest = message.subject.split(".")
    return NewMessage(stream.subject(number, *rest), message.data)


@FEW
@given(data=st.data())
@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
async def test_rebuilt_equals_live(
    runtime: Runtime, projection: Projection, data: st.DataObject
) -> None:
    log = data.draw(LOGS[projection.name](most=100))
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=5))
    async with make_own_log(runtime, projection) as here:
        await here.append_log([move_to_stream(here.stream, message) for message in log])
        lived = await here.update_live_model(sizes)
        before = await here.rows(lived.schema)

        was, is_now = await rebuild_read_model(here, here.projection, lambda *_: None)

        assert was == lived.schema != is_now
        assert await here.rows(is_now) == before
        assert (await live_model(runtime.postgres, here.projection)).schema == is_now


async def test_a_rebuild_is_complete_though_the_connection_breaks_on_the_way(
    runtime: Runtime,
) -> None:
    async with make_own_log(runtime, INBOX) as here:
        last = await here.append_log(make_drafts(here.stream, 5000))
        breaks: list[asyncio.Task[None]] = []

        def break_once(sequence: int, target: int) -> None:
            if not breaks and sequence < target:
                breaks.append(asyncio.create_task(here.jetstream._client.force_reconnect()))

        _, schema = await rebuild_read_model(here, here.projection, break_once)

        assert breaks, "all came in one batch"
        assert await here.rows(schema) == await here.rows(
            (await here.update_live_model([1000])).schema
        )
        assert (
            await ReadModel(here.projection, schema).checkpoint(runtime.postgres, here.stream.epoch)
        ).sequence == last


async def test_a_read_model_that_is_rebuilt_while_it_lives_goes_on_where_it_was(
    runtime: Runtime,
) -> None:
    async with make_own_log(runtime, INBOX) as here:
        await here.append_log(make_drafts(here.stream, 2000))
        await live_model(runtime.postgres, here.projection)
        keeper = asyncio.create_task(
            run_forever("keeper", lambda: run_projection(here, here.projection, lambda: None))
        )
        busy = asyncio.create_task(_append_for_ever(here))
        try:
            await here.wait_for_checkpoint(3000)
            for _ in range(3):
                await rebuild_read_model(here, here.projection, lambda *_: None)
        finally:
            busy.cancel()
            with suppress(asyncio.CancelledError):
                await busy
        last = await here.append_log(make_drafts(here.stream, 1))
        await here.wait_for_checkpoint(last)
        keeper.cancel()

        rows = await here.rows((await live_model(runtime.postgres, here.projection)).schema)
        _, fresh = await rebuild_read_model(here, here.projection, lambda *_: None)

        assert rows == await here.rows(fresh)


async def _append_for_ever(here: OwnLog) -> None:
    while True:
        await here.append_log(make_drafts(here.stream, 200))


def test_the_logs_spread_over_all_partitions() -> None:
    assert {partition_number(tenant, PARTITIONS) for tenant in TENANTS} == set(range(PARTITIONS))
