"""Gathering: those who ask at the same time share a question that began after they asked."""

from __future__ import annotations

import asyncio

from tidings.channels.decider.gathering import Gathering
from tidings.runtime.errors import Unavailable


async def test_who_asks_while_a_question_is_under_way_shares_the_next_one() -> None:
    asked: list[list[int]] = []
    gate = asyncio.Event()

    async def ask(keys: list[int]) -> int:
        asked.append(keys)
        await gate.wait()
        return len(asked)

    gathering = Gathering(ask, limit=3)
    first = asyncio.create_task(gathering.ask(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.ask(key)) for key in range(1, 6)]
    await asyncio.sleep(0)
    gate.set()

    assert await first == 1
    assert await asyncio.gather(*others) == [2, 2, 2, 3, 3]
    assert asked == [[0], [1, 2, 3], [4, 5]]


async def test_a_failure_is_told_to_all_who_asked_and_the_next_question_is_asked() -> None:
    problems = [Unavailable("away"), None]

    async def ask(keys: list[int]) -> list[int]:
        if problem := problems.pop(0):
            raise problem
        return keys

    gathering = Gathering(ask, limit=10)
    answers = await asyncio.gather(*map(gathering.ask, (1, 2)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert await gathering.ask(3) == [3]
