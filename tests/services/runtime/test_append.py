"""Append: an acknowledged message is stored once, at the acknowledged sequence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tidings.client import appender as appender_module
from tidings.client.appender import Appender, ExpectedSequence, commit_batch
from tidings.client.errors import QueueFull
from tidings.client.jetstream import JetStream
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.runtime.errors import RequestRefused, WrongSequence
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream
from tests.streams import read_all

BAD_HEADER = {"Nats-TTL": "soon"}


def make_drafts(stream: OwnStream, *names: str) -> list[NewMessage]:
    """Return messages whose body and id are these names."""
    return [NewMessage(stream.subject("x"), name.encode(), id=name) for name in names]


def make_numbered_drafts(stream: OwnStream, count: int, of: str = "") -> list[NewMessage]:
    return make_drafts(stream, *(f"{of}{number}" for number in range(count)))


async def read_bodies(runtime: Runtime, stream: OwnStream) -> dict[int, str]:
    """Return the stored bodies by sequence."""
    return {
        message.sequence: message.data.decode()
        for message in await read_all(runtime.jetstream, stream.name, stream.subject(">"))
    }


def acknowledged_bodies(
    batch: Sequence[NewMessage], results: Sequence[AppendResult]
) -> dict[int, str]:
    """Return the bodies by sequence, as the acknowledgements state it."""
    return {
        result.sequence: draft.data.decode() for draft, result in zip(batch, results, strict=True)
    }


async def test_concurrent_appends_are_each_acknowledged_with_their_sequence(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    crowd = make_numbered_drafts(stream, 500)

    results = await asyncio.gather(*map(appender.append, crowd))

    assert acknowledged_bodies(crowd, results) == await read_bodies(runtime, stream)
    assert {result.sequence for result in results} == set(range(1, 501))
    assert not any(result.duplicate for result in results)


async def test_repeated_appends_are_acknowledged_with_their_first_sequence(
    runtime: Runtime, stream: OwnStream
) -> None:
    crowd = make_numbered_drafts(stream, 300)
    before = await asyncio.gather(*map(runtime.appender().append, crowd))

    again = await asyncio.gather(*map(runtime.appender().append, crowd))

    assert again == [AppendResult(result.sequence, True) for result in before]
    assert len(await read_bodies(runtime, stream)) == 300


async def test_the_duplicates_in_a_batch_are_reported_and_the_rest_is_stored(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    stored = [await appender.append(draft) for draft in make_drafts(stream, "b", "d")]

    results = await appender.append_batch(make_drafts(stream, "a", "b", "c", "d", "e"))

    assert results == [
        AppendResult(3),
        AppendResult(stored[0].sequence, True),
        AppendResult(4),
        AppendResult(stored[1].sequence, True),
        AppendResult(5),
    ]
    assert await read_bodies(runtime, stream) == {1: "b", 2: "d", 3: "a", 4: "c", 5: "e"}


async def test_of_a_half_stored_batch_the_other_half_is_stored(
    runtime: Runtime, stream: OwnStream
) -> None:
    batch = make_numbered_drafts(stream, 1000)
    await runtime.appender().append_batch(batch[::2])

    results = await runtime.appender().append_batch(batch)

    assert acknowledged_bodies(batch, results) == await read_bodies(runtime, stream)
    assert [result.duplicate for result in results] == [True, False] * 500


async def test_an_id_twice_in_one_batch_is_stored_once(runtime: Runtime, stream: OwnStream) -> None:
    same = make_drafts(stream, "a")[0]
    batch = [same, *make_drafts(stream, "b", "a"), same]

    results = await runtime.appender().append_batch(batch)

    assert results == [
        AppendResult(1),
        AppendResult(2),
        AppendResult(1, True),
        AppendResult(1, True),
    ]
    assert await read_bodies(runtime, stream) == {1: "a", 2: "b"}


async def test_one_message_without_an_id_twice_in_one_batch_is_two_messages(
    runtime: Runtime, stream: OwnStream
) -> None:
    nameless = NewMessage(stream.subject("x"), b"again")

    results = await runtime.appender().append_batch([nameless, *make_drafts(stream, "a"), nameless])

    assert results == [AppendResult(1), AppendResult(2), AppendResult(3)]
    assert await read_bodies(runtime, stream) == {1: "again", 2: "a", 3: "again"}


@pytest.mark.parametrize("count", [1, 2, 1000])
async def test_a_batch_appended_again_is_acknowledged_with_its_first_sequences(
    runtime: Runtime, stream: OwnStream, count: int
) -> None:
    batch = make_numbered_drafts(stream, count)
    before = await runtime.appender().append_batch(batch)

    again = await runtime.appender().append_batch(batch)

    assert again == [AppendResult(result.sequence, True) for result in before]
    assert acknowledged_bodies(batch, again) == await read_bodies(runtime, stream)


async def test_nothing_is_lost_or_stored_twice_when_the_connection_breaks(
    runtime: Runtime, stream: OwnStream, connection: JetStream
) -> None:
    appender = Appender(connection)
    batches = [make_numbered_drafts(stream, 300, f"batch {number} ") for number in range(12)]
    crowd = make_numbered_drafts(stream, 1000, "lone ")

    async with asyncio.TaskGroup() as group:
        batch_tasks = [group.create_task(appender.append_batch(batch)) for batch in batches]
        single_tasks = [group.create_task(appender.append(draft)) for draft in crowd]
        for task in (batch_tasks[1], batch_tasks[4], batch_tasks[8]):
            await connection._client.force_reconnect()
            await asyncio.wait([task])

    expected_bodies = acknowledged_bodies(crowd, [task.result() for task in single_tasks])
    for batch, task in zip(batches, batch_tasks, strict=True):
        expected_bodies |= acknowledged_bodies(batch, task.result())
    assert len(expected_bodies) == 12 * 300 + 1000
    assert await read_bodies(runtime, stream) == expected_bodies


async def test_a_message_with_a_wrong_expected_sequence_is_not_stored(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    first, second, third = make_drafts(stream, "a", "b", "c")
    subject, elsewhere = stream.subject("x"), stream.subject("y")

    assert await appender.append_expecting(first, ExpectedSequence(subject, 0)) == 1
    with pytest.raises(WrongSequence):
        await appender.append_expecting(second, ExpectedSequence(subject, 0))
    with pytest.raises(WrongSequence):
        await appender.append_expecting(
            second._replace(subject=elsewhere), ExpectedSequence(subject, 2)
        )
    assert (
        await appender.append_expecting(
            third._replace(subject=elsewhere), ExpectedSequence(subject, 1)
        )
        == 2
    )

    assert await read_bodies(runtime, stream) == {1: "a", 2: "c"}


async def test_a_batch_checks_the_expected_sequence_of_its_last_message(
    runtime: Runtime, stream: OwnStream
) -> None:
    await runtime.appender().append(NewMessage(stream.subject("position"), b"1"))
    batch = [*make_drafts(stream, "a", "b"), NewMessage(stream.subject("position"), b"2")]

    with pytest.raises(WrongSequence):
        await commit_batch(
            runtime.jetstream, batch, ExpectedSequence(stream.subject("position"), 7)
        )
    last = await commit_batch(
        runtime.jetstream, batch, ExpectedSequence(stream.subject("position"), 1)
    )

    assert last == 4
    assert await read_bodies(runtime, stream) == {1: "1", 2: "a", 3: "b", 4: "2"}


async def test_an_oversized_batch_is_refused_before_anything_is_sent(
    runtime: Runtime, stream: OwnStream
) -> None:
    with pytest.raises(RequestRefused, match="1001 messages in one atomic batch; at most 1000"):
        await runtime.appender().append_batch(make_numbered_drafts(stream, 1001))

    assert await runtime.appender().append_batch([]) == []
    assert (await stream_state(runtime.jetstream, stream.name)).last_sequence == 0


async def test_a_batch_with_one_bad_message_is_refused_as_a_whole(
    runtime: Runtime, stream: OwnStream
) -> None:
    batch = [
        *make_numbered_drafts(stream, 20),
        NewMessage(stream.subject("x"), b"bad", headers=BAD_HEADER),
        *make_numbered_drafts(stream, 20, "more "),
    ]

    with pytest.raises(RequestRefused):
        await runtime.appender().append_batch(batch)

    assert await read_bodies(runtime, stream) == {}


@pytest.mark.parametrize("count", [12, 500])
async def test_a_bad_message_among_concurrent_appends_is_refused_alone(
    runtime: Runtime, stream: OwnStream, count: int
) -> None:
    appender = runtime.appender()
    crowd = make_numbered_drafts(stream, count)
    bad = NewMessage(stream.subject("x"), b"bad", headers=BAD_HEADER)

    *results, refusal = await asyncio.gather(
        *map(appender.append, [*crowd, bad]), return_exceptions=True
    )

    assert isinstance(refusal, RequestRefused)
    stored = await read_bodies(runtime, stream)
    assert acknowledged_bodies(crowd, results) == stored  # type: ignore[arg-type]


async def test_a_cancelled_append_does_not_delay_the_others(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    crowd = [
        asyncio.create_task(appender.append(draft)) for draft in make_numbered_drafts(stream, 200)
    ]

    await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
    for task in crowd[::3]:
        task.cancel()

    outcomes = await asyncio.gather(*crowd, return_exceptions=True)
    for index, outcome in enumerate(outcomes):
        assert isinstance(outcome, AppendResult) or (
            index % 3 == 0 and isinstance(outcome, asyncio.CancelledError)
        )


async def test_an_append_beyond_the_waiting_limit_is_refused_at_once(
    runtime: Runtime, stream: OwnStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender_module, "WAITING_LIMIT_MESSAGES", 100)
    appender = runtime.appender()
    crowd = make_numbered_drafts(stream, 150)

    outcomes = await asyncio.gather(*map(appender.append, crowd), return_exceptions=True)

    stored = {
        draft.data.decode()
        for draft, outcome in zip(crowd, outcomes, strict=True)
        if isinstance(outcome, AppendResult)
    }
    assert {type(outcome) for outcome in outcomes} == {AppendResult, QueueFull}
    assert len(stored) >= 100
    assert set((await read_bodies(runtime, stream)).values()) == stored


@pytest.mark.parametrize(("replicas", "count", "in_batches"), [(1, 16, 0), (1, 17, 1), (3, 128, 0)])
async def test_as_many_messages_are_appended_alone_as_cost_less_alone(
    runtime: Runtime,
    stream: OwnStream,
    monkeypatch: pytest.MonkeyPatch,
    replicas: int,
    count: int,
    in_batches: int,
) -> None:
    groups: list[int] = []
    append_group = Appender._append_group  # pyright: ignore[reportPrivateUsage]

    async def counted(appender: Appender, group: list[Any]) -> None:
        groups.append(len(group))
        await append_group(appender, group)

    monkeypatch.setattr(Appender, "_append_group", counted)
    appender = Appender(runtime.jetstream, replicas)

    await asyncio.gather(*map(appender.append, make_numbered_drafts(stream, count)))

    assert sum(groups) == in_batches


async def test_an_append_in_the_turn_in_which_the_last_batch_ends_starts_another(
    runtime: Runtime, stream: OwnStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender_module, "BATCHES_IN_FLIGHT_LIMIT", 1)
    monkeypatch.setattr(appender_module, "PLAIN_LIMIT_MESSAGES", 0)
    appender = runtime.appender()

    async with asyncio.timeout(5):
        for draft in make_numbered_drafts(stream, 3):
            await appender.append(draft)

    assert len(await read_bodies(runtime, stream)) == 3
