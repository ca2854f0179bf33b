"""The batcher: concurrent requests share a query, and each gets its own answer or the error."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from tidings.edge.delivery import batcher as batcher_module
from tidings.edge.delivery.batcher import QUERIES_LIMIT, REQUESTS_PER_QUERY, Batcher
from tidings.runtime.errors import Unavailable


class HeldQueries:
    """Answers each request with its tenfold, as soon as the test lets the query end."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._answers: list[asyncio.Future[None]] = []

    async def run(self, requests: list[int]) -> list[int]:
        self.batches.append(requests)
        self._answers.append(asyncio.get_running_loop().create_future())
        await self._answers[-1]
        return [10 * request for request in requests]

    def end_query(self, place: int, error: Exception | None = None) -> None:
        """Let a query answer, or fail."""
        answer = self._answers[place]
        answer.set_exception(error) if error else answer.set_result(None)


async def answer_at_once(requests: list[int]) -> list[int]:
    return [10 * request for request in requests]


def submit_all(batcher: Batcher[int, int], requests: Iterable[int]) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batcher.submit(request)) for request in requests]


async def run_ready_tasks() -> None:
    """Run every task as far as it gets without waiting for time or for the test."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no query wait for more requests."""
    monkeypatch.setattr(batcher_module, "RUSH_INTERVAL_SECONDS", 0)


@pytest.fixture
def endless_rush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each query that is not full wait for more requests, for longer than a test may last."""
    monkeypatch.setattr(batcher_module, "RUSH_INTERVAL_SECONDS", float("inf"))
    monkeypatch.setattr(batcher_module, "RUSH_WAIT_SECONDS", 3600)
    monkeypatch.setattr(batcher_module, "WAIT_PER_REQUEST_SECONDS", 3600)


async def test_requests_that_come_during_the_queries_share_the_next_one(calm: None) -> None:
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    first = submit_all(batcher, [1])
    await run_ready_tasks()
    second = submit_all(batcher, [2])
    await run_ready_tasks()
    waiting = submit_all(batcher, [3, 4, 5])
    await run_ready_tasks()
    assert queries.batches == [[1], [2]]
    assert len(queries.batches) == QUERIES_LIMIT

    queries.end_query(1)
    await run_ready_tasks()
    assert queries.batches == [[1], [2], [3, 4, 5]]

    queries.end_query(0)
    queries.end_query(2)
    assert await asyncio.gather(*first, *second, *waiting) == [10, 20, 30, 40, 50]


async def test_a_query_has_a_limited_number_of_requests(calm: None) -> None:
    sizes: list[int] = []

    async def record_size(requests: list[int]) -> list[int]:
        sizes.append(len(requests))
        return requests

    batcher = Batcher(record_size)
    requests = list(range(2 * REQUESTS_PER_QUERY + 1))

    assert await asyncio.gather(*submit_all(batcher, requests)) == requests
    assert sizes == [REQUESTS_PER_QUERY, REQUESTS_PER_QUERY, 1]


async def test_an_error_reaches_every_waiter_of_its_query_and_no_other(calm: None) -> None:
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    failing = submit_all(batcher, [1, 2])
    await run_ready_tasks()
    later = submit_all(batcher, [3])
    await run_ready_tasks()

    queries.end_query(0, Unavailable("away"))
    queries.end_query(1)

    assert await asyncio.gather(*later) == [30]
    errors = await asyncio.gather(*failing, return_exceptions=True)
    assert [(type(error), str(error)) for error in errors] == [(Unavailable, "away")] * 2


async def test_requests_after_a_failed_query_are_answered(calm: None) -> None:
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    tasks = submit_all(batcher, [1])
    await run_ready_tasks()
    queries.end_query(0, ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await tasks[0]

    tasks = submit_all(batcher, [2])
    await run_ready_tasks()
    queries.end_query(1)

    assert await tasks[0] == 20


@pytest.mark.parametrize("error", [None, Unavailable("away")], ids=["answer", "error"])
async def test_a_cancelled_waiter_does_not_affect_the_others(
    calm: None, error: Exception | None
) -> None:
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    cancelled, other = submit_all(batcher, [1, 2])
    await run_ready_tasks()
    assert queries.batches == [[1, 2]]
    cancelled.cancel()
    await run_ready_tasks()

    queries.end_query(0, error)
    results = await asyncio.gather(cancelled, other, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == (error or 20)


async def test_in_a_rush_a_query_waits_for_more_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batcher_module, "RUSH_INTERVAL_SECONDS", float("inf"))
    monkeypatch.setattr(batcher_module, "RUSH_WAIT_SECONDS", 0.3)
    monkeypatch.setattr(batcher_module, "WAIT_PER_REQUEST_SECONDS", 0.3)
    batches: list[list[int]] = []

    async def record_batch(requests: list[int]) -> list[int]:
        batches.append(requests)
        return requests

    batcher = Batcher(record_batch)
    first = submit_all(batcher, [1])
    await run_ready_tasks()
    second = submit_all(batcher, [2])
    await run_ready_tasks()
    assert batches == []

    assert await asyncio.gather(*first, *second) == [1, 2]
    assert batches == [[1, 2]]


async def test_in_a_rush_all_that_come_while_one_query_gathers_share_it(
    endless_rush: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher_module, "REQUESTS_PER_QUERY", 3)
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    tasks = submit_all(batcher, [1])
    await run_ready_tasks()
    tasks += submit_all(batcher, [2])
    await run_ready_tasks()
    assert queries.batches == []

    tasks += submit_all(batcher, [3, 4, 5, 6])
    await run_ready_tasks()

    assert queries.batches == [[1, 2, 3], [4, 5, 6]]
    queries.end_query(0)
    queries.end_query(1)
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50, 60]


async def test_a_query_waits_longer_the_more_requests_the_last_one_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batcher_module, "RUSH_WAIT_SECONDS", 3600)
    monkeypatch.setattr(batcher_module, "WAIT_PER_REQUEST_SECONDS", 0.05)
    batcher = Batcher(answer_at_once)
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    await batcher.submit(1)
    assert loop.time() - began_at < 0.05, "without a query before, none waits"

    await asyncio.gather(*submit_all(batcher, range(4)))
    began_at = loop.time()
    await batcher.submit(5)

    assert loop.time() - began_at > 0.15


async def test_without_a_rush_a_query_starts_at_once(calm: None) -> None:
    queries = HeldQueries()
    submit_all(Batcher(queries.run), [1])

    await run_ready_tasks()

    assert queries.batches == [[1]]
    queries.end_query(0)


async def test_in_a_rush_a_full_query_does_not_wait(
    endless_rush: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher_module, "REQUESTS_PER_QUERY", 2)

    async with asyncio.timeout(5):
        answers = await asyncio.gather(*submit_all(Batcher(answer_at_once), [1, 2]))

    assert answers == [10, 20]


async def test_beyond_the_limit_of_waiting_requests_a_request_is_refused(
    calm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher_module, "WAITING_LIMIT_REQUESTS", 2)
    queries = HeldQueries()
    batcher = Batcher(queries.run)
    running = [*submit_all(batcher, [1])]
    await run_ready_tasks()
    running += submit_all(batcher, [2])
    await run_ready_tasks()
    waiting = submit_all(batcher, [3, 4])
    await run_ready_tasks()

    with pytest.raises(Unavailable, match="2 readers are waiting already"):
        await batcher.submit(5)

    queries.end_query(0)
    await run_ready_tasks()
    queries.end_query(1)
    queries.end_query(2)
    assert await asyncio.gather(*running, *waiting) == [10, 20, 30, 40]


async def test_a_query_with_too_few_answers_fails_for_every_waiter(calm: None) -> None:
    async def forget_the_last(requests: list[int]) -> list[int]:
        return requests[:-1]

    tasks = submit_all(Batcher(forget_the_last), range(3))
    async with asyncio.timeout(5):
        results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [ValueError] * 3


async def test_a_request_right_after_two_queries_that_end_together_is_answered(
    calm: None,
) -> None:
    queries = HeldQueries()
    batcher = Batcher(queries.run)

    async def submit_twice() -> int:
        await batcher.submit(1)
        return await batcher.submit(2)

    submitter = asyncio.create_task(submit_twice())
    await run_ready_tasks()
    other = submit_all(batcher, [3])
    await run_ready_tasks()
    assert queries.batches == [[1], [3]]

    queries.end_query(0)
    queries.end_query(1)
    await run_ready_tasks()

    assert queries.batches == [[1], [3], [2]]
    queries.end_query(2)
    assert await asyncio.gather(submitter, *other) == [20, 30]
