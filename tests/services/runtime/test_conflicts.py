"""Conflicts are found with few reads, however far the duplicates lie from each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import pytest
from tidings.client.jetstream import JetStream
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.runtime.log import conflicts
from tidings.runtime.log.conflicts import READS_LIMIT, conflicting_places
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import PAGE_MESSAGES

SAME, OTHER = "events.0.acme.task.x", "events.0.acme.user.x"
NO_JETSTREAM = cast(JetStream, None)


class ReadLog(NamedTuple):
    """The number of messages of each read of a log."""

    reads: list[int]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, str]], ReadLog]:
    """Return a function that makes a log of subjects by sequence."""

    def make(subjects: dict[int, str]) -> ReadLog:
        made = ReadLog([])

        async def read(*_: Any, after: int, limit: int, **__: Any) -> list[StreamMessage]:
            found = sorted(sequence for sequence in subjects if sequence > after)
            page = found[: min(limit, PAGE_MESSAGES)]
            made.reads.append(len(page))
            return [StreamMessage(subjects[each], b"", b"", each, 0) for each in page]

        monkeypatch.setattr(conflicts, "read", read)
        return made

    return make


async def conflicts_at(sequences: Sequence[int], **limits: int) -> list[int]:
    results = [AppendResult(sequence, duplicate=True) for sequence in sequences]
    messages = [NewMessage(SAME, b"")] * len(sequences)
    return await conflicting_places(NO_JETSTREAM, messages, results, **limits)


async def test_sparse_duplicates_cost_a_bounded_number_of_single_reads(
    log: Callable[[dict[int, str]], ReadLog],
) -> None:
    sparse = [1 + 100 * place for place in range(1000)]
    made = log(dict.fromkeys(range(1, sparse[-1] + 1), SAME) | {sparse[3]: OTHER})

    assert await conflicts_at(sparse) == [3]
    assert len(made.reads) == READS_LIMIT
    assert set(made.reads) == {1}


async def test_what_the_reads_do_not_reach_is_a_duplicate(
    log: Callable[[dict[int, str]], ReadLog],
) -> None:
    log({1: OTHER, 500: OTHER, 1000: OTHER})

    assert await conflicts_at([1, 500, 1000], reads_limit=2) == [0, 1]


async def test_near_duplicates_are_read_in_pages(
    log: Callable[[dict[int, str]], ReadLog],
) -> None:
    made = log(dict.fromkeys(range(1, 2001), SAME) | {900: OTHER})

    assert await conflicts_at(range(1, 1001)) == [899]
    assert made.reads == [500, 500]


async def test_a_duplicate_of_a_message_that_no_wildcard_finds_is_a_conflict(
    log: Callable[[dict[int, str]], ReadLog],
) -> None:
    log({1: SAME, 3: SAME})

    assert await conflicts_at([1, 2, 3, 700]) == [1, 3]
