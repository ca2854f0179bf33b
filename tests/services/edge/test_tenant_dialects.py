"""The product of a tenant: the cache of configurations, also while Postgres is away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from tidings.contracts.subjects import Person
from tidings.edge.dialects import tenants
from tidings.edge.dialects.tenants import TenantDialects
from tidings.runtime.auth.identity import Identity
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem


class FakePostgres:
    """Answers with the dialect of each tenant, and counts the queries."""

    def __init__(self, **dialects: str) -> None:
        self.dialects = dialects
        self.is_away = False
        self.queries = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[FakePostgres]:
        self.queries += 1
        if self.is_away:
            raise Unavailable("away")
        yield self

    async def execute(self, _: bytes, parameters: tuple[Any]) -> Any:
        [tenants_in_query] = parameters

        async def fetchall() -> list[tuple[str, str]]:
            return [each for each in self.dialects.items() if each[0] in tenants_in_query]

        return SimpleNamespace(fetchall=fetchall)


def make_tenants(postgres: Any, *spoken: str | None, **by_setting: str) -> TenantDialects:
    """Return the decision on an edge where every user has connections of these dialects."""
    connections = [SimpleNamespace(dialect=dialect) for dialect in spoken]
    hub: Any = SimpleNamespace(subscribers_of=lambda _: connections)
    return TenantDialects(by_setting, hub, postgres)


def identity_of(tenant: str, dialect: str | None = None) -> Identity:
    """Return the identity of a user whose token may state a dialect."""
    return Identity(Person(tenant, "alice"), frozenset(), time.time() + 60, dialect=dialect)


async def test_the_setting_comes_first_then_the_claim_then_the_event_then_the_pages() -> None:
    postgres = FakePostgres(a="incidents", b="incidents", c="incidents")
    decision = make_tenants(postgres, None, "barbershop", "chat", a="barbershop")

    assert await decision.sharing_dialect(identity_of("a", "incidents")) == "barbershop"
    assert await decision.sharing_dialect(identity_of("b", "barbershop")) == "barbershop"
    assert await decision.sharing_dialect(identity_of("c")) == "incidents"
    assert await decision.sharing_dialect(identity_of("d")) == "barbershop"


async def test_the_configuration_is_read_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres = FakePostgres(a="incidents")
    decision = make_tenants(postgres, b="barbershop")

    for _ in range(3):
        assert await decision.sharing_dialect(identity_of("a")) == "incidents"
    query_count = postgres.queries
    postgres.dialects["a"] = "barbershop"
    now = time.monotonic() + tenants.CACHE_SECONDS
    monkeypatch.setattr(tenants, "time", SimpleNamespace(monotonic=lambda: now))

    assert await decision.sharing_dialect(identity_of("a")) == "barbershop"
    assert (query_count, postgres.queries) == (1, 2)


async def test_while_postgres_is_away_the_last_configuration_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres = FakePostgres(a="incidents")
    decision = make_tenants(postgres)
    await decision.sharing_dialect(identity_of("a"))
    postgres.is_away = True
    now = time.monotonic() + tenants.CACHE_SECONDS
    monkeypatch.setattr(tenants, "time", SimpleNamespace(monotonic=lambda: now))

    assert await decision.sharing_dialect(identity_of("a")) == "incidents"
    with pytest.raises(Unavailable):
        await decision.sharing_dialect(identity_of("b"))


async def test_the_memory_of_tenants_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "CACHE_LIMIT_TENANTS", 2)
    postgres = FakePostgres(a="incidents", b="incidents", c="incidents")
    decision = make_tenants(postgres)

    for tenant in "abc":
        await decision.sharing_dialect(identity_of(tenant))

    await decision.sharing_dialect(identity_of("c"))
    assert postgres.queries == 3
    await decision.sharing_dialect(identity_of("a"))
    assert postgres.queries == 4


async def test_the_dialects_of_many_tenants_are_one_query_and_the_setting_comes_first() -> None:
    postgres = FakePostgres(a="incidents", b="chat")
    decision = make_tenants(postgres, a="barbershop")

    assert await decision.dialects_of({"a", "b", "c"}) == {"a": "barbershop", "b": "chat"}
    assert postgres.queries == 1


@pytest.mark.parametrize(
    ("claim", "status"), [(None, 409), ("volunteers", 404), ("field_service", 404)]
)
async def test_without_one_of_the_two_products_a_request_is_refused(
    claim: str | None, status: int
) -> None:
    with pytest.raises(Problem) as refusal:
        await make_tenants(FakePostgres(), "chat", None).sharing_dialect(identity_of("a", claim))

    assert refusal.value.status == status and refusal.value.more["tenant"] == "a"
