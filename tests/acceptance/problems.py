"""Requests that may be bad, and checks of the problems that answer them (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.streams import read_stored_events

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
ANSWER_SECONDS = 30


async def post_events(
    tidings: Tidings, body: bytes | AsyncIterator[bytes], media_type: str = ONE, **headers: str
) -> httpx.Response:
    sent = {**tidings.headers(), "Content-Type": media_type, **headers}
    return await tidings.http.post("/v1/events", content=body, headers=sent)


def check_problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    """Check a refusal, and return its problem; it must not leak code or tokens."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in response.text and ".py" not in response.text
    _, _, token = response.request.headers.get("authorization", "").partition(" ")
    assert not token or token not in response.text
    problem = response.json()
    assert problem["status"] == response.status_code and problem["title"] and problem["detail"]
    return problem


async def check_unharmed(tidings: Tidings, known: int = 0) -> None:
    """Check that nothing was stored and that a good event is still delivered."""
    assert len(await read_stored_events(tidings)) == known
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)


async def says_ready(url: str, problem: str | None) -> bool:
    """Return whether an edge says that it is ready, or this problem."""
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        answer = await client.get(f"{url}/health/ready")
    if problem is None:
        return answer.status_code == 200
    return answer.status_code == 503 and bool(re.search(problem, answer.json()["detail"]))
