"""Idempotency keys cost what their requests would: a scope, and a token for each repetition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Request, Response, post
from tidings.contracts.subjects import Person
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.http.idempotency.middleware import IdempotencyMiddleware
from tidings.runtime.http.idempotency.store import IdempotencyKeys
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.rate import Buckets, Rate
from tidings.runtime.http.web import create_application
from tidings.runtime.process import Runtime

from tests.driver import SECRET

REPEATS = 3

Post = Callable[..., Any]


class CountingKeys(IdempotencyKeys):
    """Keys that count how often one is claimed: each claim is a durable transaction."""

    claims_count = 0

    async def claim_key(self, *arguments: Any) -> Any:
        self.claims_count += 1
        return await super().claim_key(*arguments)


@pytest.fixture
def keys(runtime: Runtime) -> CountingKeys:
    return CountingKeys(runtime.postgres, runtime.settings)


@pytest.fixture
def send(runtime: Runtime, keys: CountingKeys) -> Post:
    """Return a function that posts to a route of the scope `emit`, with a key."""
    access, tenant = Access(runtime), uuid4().hex[:10]

    @post("/work", status_code=201, opt=operation_opt(Operation(scope="emit")))
    async def route(request: Request[Any, Any, Any]) -> Response[bytes]:
        (await access.identify_sender(request.scope)).require_scope("emit", "emit:task.*")
        return Response(b"done", status_code=201)

    rate = Buckets[Person](Rate("requests", REPEATS, 3_000))
    idempotent = IdempotencyMiddleware(keys, access.identify_sender, rate)
    app: Any = create_application([route], tuple, idempotent)

    async def send_key(scope: str, key: str) -> httpx.Response:
        token = issue_token(Person(tenant, "ann"), scope, SECRET, time.time(), 60)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tidings") as client:
            return await client.post("/work", content=b"x", headers=headers)

    return send_key


async def test_a_repeated_answer_takes_a_token_and_is_then_refused_before_any_work(
    send: Post, keys: CountingKeys
) -> None:
    first = await send("emit", "one")
    repeats = [await send("emit", "one") for _ in range(REPEATS)]
    claims_count = keys.claims_count

    refused = await send("emit", "one")

    assert [answer.status_code for answer in (first, *repeats)] == [201] * (REPEATS + 1)
    assert all(answer.headers["idempotent-replayed"] == "true" for answer in repeats)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert keys.claims_count == claims_count


@pytest.mark.parametrize(("scope", "claims_count"), [("inbox", 0), ("emit:task.*", 1)])
async def test_a_key_is_stored_only_for_a_token_that_has_the_scope(
    send: Post, keys: CountingKeys, scope: str, claims_count: int
) -> None:
    answer = await send(scope, "one")

    assert keys.claims_count == claims_count
    assert answer.status_code == (201 if claims_count else 403)
