"""Personal answers: no cache keeps them, and no table keeps a secret that one of them was."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.driver import Tidings

IDENTIFIER = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"


@pytest.mark.parametrize(
    ("method", "path", "user"),
    [
        ("GET", "/v1/log", "alice"),
        ("GET", "/v1/notifications", "alice"),
        ("GET", f"/v1/notifications/{IDENTIFIER}", "alice"),
        ("GET", "/v1/counts", "alice"),
        ("GET", "/v1/counts", None),
        ("GET", "/v1/activity?user=alice", "alice"),
        ("POST", "/v1/tickets", "alice"),
        ("POST", "/v1/events", "alice"),
        ("GET", "/api/v1/notifications", "alice"),
    ],
)
async def test_a_personal_answer_says_that_no_shared_cache_may_keep_it(
    tidings: Tidings, method: str, path: str, user: str | None
) -> None:
    headers = tidings.headers(user) if user else {}

    answer = await tidings.http.request(method, path, headers=headers)

    (control,) = answer.headers.get_list("cache-control")
    assert control in ("private, no-store", "private, no-cache", "no-store"), answer.status_code


async def test_an_answer_that_is_repeated_by_its_key_is_as_private_as_the_first(
    tidings: Tidings,
) -> None:
    headers = {**tidings.headers("alice"), "Idempotency-Key": f'"{uuid4()}"'}
    mark = {"op": "1", "state": "read", "ids": [IDENTIFIER]}

    answers = [
        await tidings.http.post("/v1/notifications/mark", json=mark, headers=headers)
        for _ in range(2)
    ]

    assert answers[1].headers["idempotent-replayed"] == "true"
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}


async def test_a_ticket_is_never_stored_or_repeated_by_an_idempotency_key(
    tidings: Tidings,
) -> None:
    headers = {**tidings.headers("alice"), "Idempotency-Key": f'"{uuid4()}"'}

    first, second = [await tidings.http.post("/v1/tickets", headers=headers) for _ in range(2)]

    assert first.json()["ticket"] != second.json()["ticket"]
    assert first.headers["cache-control"] == second.headers["cache-control"] == "no-store"
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute("SELECT i::text FROM tidings.idempotency AS i")
        stored = str(await rows.fetchall())
    ticket = first.json()["ticket"]
    assert ticket not in stored and ticket.encode().hex() not in stored
