"""The public status: its numbers, and how often it counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Set
from types import SimpleNamespace
from typing import Any

from tidings.contracts.subjects import Person
from tidings.edge.dialects.products.barbershop.status import PublicStatus
from tidings.runtime.errors import Unavailable

ANN, BOB, EVE = Person("shop", "ann"), Person("shop", "bob"), Person("chat", "eve")


class Counts:
    """The counts that a status reads; `queries` is the number of reads."""

    def __init__(self) -> None:
        self.queries = 0
        self.is_away = False
        self.drain: Any = SimpleNamespace(started=False)
        self.status = PublicStatus(
            lambda _: [(ANN, 1), (BOB, 1), (EVE, 5), (ANN, 1)],
            self.count_by_location,
            self.drain,
            self.select_barbershops,
        )

    async def select_barbershops(self, tenants: Set[str]) -> Set[str]:
        """Return those of two tenants that are barbershops."""
        assert tenants == {"shop", "chat"}
        return {"shop"}

    async def count_by_location(self, counts: Counter[Person]) -> dict[str, int]:
        """Return the number of all connections, as those of one location."""
        self.queries += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("Postgres cannot be reached")
        return {"5": counts.total()}


NUMBERS = {"total_users": 2, "total_connections": 3, "by_location": {"5": 3}}


async def test_only_tenants_that_are_barbershops_are_counted() -> None:
    assert await Counts().status.read() == {"status": "active", "connections": NUMBERS}


async def test_concurrent_requests_read_the_numbers_once() -> None:
    counts = Counts()

    answers = await asyncio.gather(*(counts.status.read() for _ in range(100)))

    assert counts.queries == 1
    assert all(answer["connections"] == NUMBERS for answer in answers)


async def test_without_postgres_the_status_still_answers() -> None:
    counts = Counts()
    counts.is_away = True

    assert (await counts.status.read())["connections"] == {**NUMBERS, "by_location": {}}


async def test_the_status_of_a_draining_edge_is_draining_at_once() -> None:
    counts = Counts()
    await counts.status.read()

    counts.drain.started = True

    assert (await counts.status.read())["status"] == "draining"
