"""An entry that cannot be a row is set aside with its reason, and the projection goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import DEAD_LETTERS, dead_letter_subject
from tidings.projections import INBOX
from tidings.projections.projection import Change, LogMessage
from tidings.projector import apply
from tidings.projector.projector import run_projection
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import live_model

from tests.projections.test_rebuild import BODY, OwnLog, make_drafts, make_own_log
from tests.waiting import wait_until

FAULTY_ID = b"00000000-0000-5000-8000-999999999999"
WITHOUT_ROW = b"no row"
FAULTS: dict[str, tuple[str, Any]] = {
    "22": ("priority", "\0"),  # Postgres stores no NUL in a text
    "54": ("user_id", "".join(f"{number:x}" for number in range(9000))),  # no index holds it
    "23": ("category", None),  # NOT NULL
}
"""Values that Postgres refuses, by the class of its SQLSTATE."""
STOPPED_SECONDS = 1.5
"""Time for several attempts of `run_forever`."""


def evolve_with(fault: str | None, message: LogMessage) -> Iterator[Change]:
    """Evolve as the inbox does; the entry at fault gets a value that Postgres refuses."""
    if message.data == WITHOUT_ROW:
        return
    for change in INBOX.evolve(message):
        if FAULTY_ID not in message.data:
            yield change
        elif fault is None:
            raise KeyError("the entry cannot be understood")
        else:
            name, value = FAULTS[fault]
            yield change._replace(row={**change.row, name: value})


@asynccontextmanager
async def run_with_fault(runtime: Runtime, fault: str | None) -> AsyncIterator[OwnLog]:
    projection = replace(INBOX, evolve=lambda message: evolve_with(fault, message))
    async with make_own_log(runtime, projection) as here:
        await live_model(runtime.postgres, here.projection)
        keeper = asyncio.create_task(
            run_forever("keeper", lambda: run_projection(here, here.projection))
        )
        try:
            yield here
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


async def read_dead_letter(here: OwnLog, sequence: int) -> StreamMessage | None:
    subject = dead_letter_subject(f"projection-{here.projection.name}", 0, sequence)
    return await last_message(here.jetstream, DEAD_LETTERS, subject)


@pytest.mark.parametrize("fault", [*FAULTS, None])
async def test_a_refused_entry_is_set_aside_and_the_others_become_rows(
    runtime: Runtime, fault: str | None
) -> None:
    async with run_with_fault(runtime, fault) as here:
        drafts = make_drafts(here.stream, 40)
        faulty = NewMessage(drafts[0].subject, BODY % FAULTY_ID)
        at = await here.append_log([*drafts[:20], faulty])
        last = await here.append_log(drafts[20:])
        await here.wait_for_checkpoint(last)

        letter = await read_dead_letter(here, at)
        assert letter
        assert letter.data == faulty.data
        assert letter.headers["Tidings-Subject"] == faulty.subject
        assert letter.headers["Tidings-Sequence"] == str(at)
        assert letter.headers["Tidings-Reason"]
        assert await count_rows(here) == 40

        await rebuild_read_model(here, here.projection, lambda *_: None)
        assert await count_rows(here) == 40


async def test_too_many_refusals_in_a_row_stop_the_projection_also_when_it_is_tried_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "SET_ASIDE_LIMIT", 3)
    async with run_with_fault(runtime, "22") as here:
        draft = make_drafts(here.stream, 1)[0]
        faulty = NewMessage(draft.subject, BODY % FAULTY_ID)
        # A row in between is a new start; an entry that makes no row is none.
        last_row = await here.append_log([faulty, faulty, draft])
        without_row = NewMessage(draft.subject, WITHOUT_ROW)
        stopped_at = await here.append_log([faulty, without_row, faulty, faulty])
        last = await here.append_log([faulty] * 9)
        await here.wait_for_checkpoint(stopped_at)

        with pytest.raises(TimeoutError):
            await wait_until(lambda: has_moved_beyond(here, stopped_at), STOPPED_SECONDS)

        assert last_row < stopped_at < last
        assert await read_dead_letter(here, stopped_at)
        assert await read_dead_letter(here, stopped_at + 1) is None
        assert await count_rows(here) == 1


async def has_moved_beyond(here: OwnLog, sequence: int) -> bool:
    return await here._checkpoint() > sequence


async def test_no_entry_is_set_aside_while_postgres_is_away(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_with_fault(runtime, "22") as here:
        refused: list[int] = []

        async def refuse(*_: object) -> None:
            refused.append(1)
            raise Unavailable("Postgres: AdminShutdown")

        with monkeypatch.context() as away:
            away.setattr(apply.BatchWriter, "_commit", refuse)
            last = await here.append_log(make_drafts(here.stream, 5))

            async def is_refused() -> bool:
                return len(refused) > 1

            await wait_until(is_refused)
        await here.wait_for_checkpoint(last)
        assert await read_dead_letter(here, last) is None
        assert await count_rows(here) == 5


async def count_rows(here: OwnLog) -> int:
    query = f"SELECT count(*) FROM {here.projection.name}.notification"
    async with here.postgres.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else 0
