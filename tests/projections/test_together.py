"""Projections that follow a stream together: one follow, one decoding, checkpoints of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tidings.contracts.messages import NewMessage
from tidings.projections import INBOX
from tidings.projections.projection import Change, LogMessage, Projection
from tidings.projector import apply, projector
from tidings.projector.projector import run_projection, run_together
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.consumer import Consumer
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import live_model

from tests.projections.conftest import drop_read_models
from tests.projections.test_rebuild import OwnLog, make_drafts, make_own_log
from tests.waiting import wait_until

STOPPED_SECONDS = 1.5
"""Time for several attempts of `run_forever`."""


@asynccontextmanager
async def run_pair(
    runtime: Runtime,
    decode: Callable[[Any], Any],
    evolve_second: Callable[[Any], Iterator[Change]] = INBOX.evolve,
) -> AsyncIterator[tuple[OwnLog, Projection]]:
    """Run two projections of one stream together; yield the log of the first, and the second."""
    async with make_own_log(runtime, replace(INBOX, decode=decode)) as here:
        second = replace(
            here.projection, name=f"{here.projection.name}_second", evolve=evolve_second
        )
        for projection in (here.projection, second):
            await live_model(here.postgres, projection)
        running = asyncio.create_task(
            run_forever("pair", lambda: run_together(here, (here.projection, second)))
        )
        try:
            yield here, second
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await drop_read_models(runtime, second)


async def count_rows(here: OwnLog, projection: Projection) -> int:
    query = f"SELECT count(*) FROM {projection.name}.notification"
    async with here.postgres.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else 0


async def count_consumers(here: OwnLog) -> int:
    answer = await here.jetstream.call_api(f"CONSUMER.NAMES.{here.stream.name}")
    return len(answer["consumers"] or ())


async def wait_for_rows(here: OwnLog, projection: Projection, count: int) -> None:
    async def has_rows() -> bool:
        return await count_rows(here, projection) == count

    await wait_until(has_rows)


async def test_events_are_followed_and_decoded_once_for_both(runtime: Runtime) -> None:
    decoded: Counter[int] = Counter()

    def decode(message: LogMessage) -> LogMessage:
        decoded[message.sequence] += 1
        return message

    async with run_pair(runtime, decode) as (here, second):
        await here.append_log(make_drafts(here.stream, 300))
        await here.append_log(make_drafts(here.stream, 1))

        rows = len({draft.data for draft in make_drafts(here.stream, 300)})
        await wait_for_rows(here, here.projection, rows)
        await wait_for_rows(here, second, rows)
        assert await count_consumers(here) == 1
        assert set(decoded.values()) == {1}
        positions = here.metrics.followers
        assert positions.position_of(f"projection_{second.name}") is positions.position_of(
            f"projection_{here.projection.name}"
        )

        await rebuild_read_model(here, second, lambda *_: None)
        await here.append_log([make_drafts(here.stream, 301)[-1]])
        await wait_for_rows(here, second, rows + 1)
        await wait_for_rows(here, here.projection, rows + 1)


async def test_one_that_is_stuck_follows_alone_and_the_other_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "SET_ASIDE_LIMIT", 3)
    is_faulty = True

    def evolve(message: LogMessage) -> Iterator[Change]:
        if is_faulty:
            raise KeyError("the entry cannot be understood")
        return INBOX.evolve(message)

    async with run_pair(runtime, lambda message: message, evolve) as (here, second):
        for draft in make_drafts(here.stream, 5):
            await here.append_log([draft])
        await wait_for_rows(here, here.projection, 5)

        async def has_separated() -> bool:
            return await count_consumers(here) > 1

        await wait_until(has_separated)
        await here.append_log(make_drafts(here.stream, 20)[5:])
        await wait_for_rows(here, here.projection, 20)

        is_faulty = False
        await wait_for_rows(here, second, 20 - 3)


async def test_messages_of_other_subjects_move_the_checkpoint(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "UNMATCHED_LIMIT_MESSAGES", 50)
    async with make_own_log(runtime, INBOX) as here:
        subjects = (here.stream.subject("0.>"), here.stream.subject("1.>"))
        here.projection = replace(here.projection, subjects=subjects)
        await live_model(here.postgres, here.projection)
        running = asyncio.create_task(run_projection(here, here.projection))
        await here.append_log(make_drafts(here.stream, 2))
        other = NewMessage(here.stream.subject("9", "x"), b"no entry")

        last = await here.append_log([other] * 120)
        await here.wait_for_checkpoint(last - 50)
        last = await here.append_log(make_drafts(here.stream, 3)[2:])
        await here.wait_for_checkpoint(last)

        assert await count_rows(here, here.projection) == 3
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_failed_write_and_a_lost_consumer_lose_no_row(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "UNMATCHED_LIMIT_MESSAGES", 50)
    failures = ["commit", "create"]
    commit, create = apply.BatchWriter._commit, Consumer._create_consumer

    async def fail_first_commit(*given: Any) -> None:
        if failures[0] == "commit":
            failures.pop(0)
            raise Unavailable("Postgres restarts")
        await commit(*given)

    async def fail_next_create(consumer: Consumer) -> None:
        if failures[0] == "create":
            failures.pop(0)
            raise Unavailable("no answer")
        await create(consumer)

    failures.append("none")
    async with make_own_log(runtime, INBOX) as here:
        await live_model(here.postgres, here.projection)
        last = await here.append_log(make_drafts(here.stream, 100))
        monkeypatch.setattr(apply.BatchWriter, "_commit", fail_first_commit)
        monkeypatch.setattr(Consumer, "_create_consumer", fail_next_create)

        running = asyncio.create_task(
            run_forever("inbox", lambda: run_projection(here, here.projection))
        )
        await here.wait_for_checkpoint(last)

        assert failures == ["none"]
        assert await count_rows(here, here.projection) == 100
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
