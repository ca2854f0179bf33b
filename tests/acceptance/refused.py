"""Refusals: sending what may be bad, and looking an answer over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.driver import Tidings, hello_to
from tests.streams import stored

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"


async def post(
    tidings: Tidings, body: bytes | AsyncIterator[bytes], media_type: str = ONE, **headers: str
) -> httpx.Response:
    sent = {**tidings.headers(), "Content-Type": media_type, **headers}
    return await tidings.http.post("/v1/events", content=body, headers=sent)


def refused(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The problem that an answer states, after looking it over."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in response.text and ".py" not in response.text
    _, _, token = response.request.headers.get("authorization", "").partition(" ")
    assert not token or token not in response.text
    problem = response.json()
    assert problem["status"] == response.status_code and problem["title"] and problem["detail"]
    return problem


async def unharmed(tidings: Tidings, known: int = 0) -> None:
    """Nothing was stored, and a good event goes through."""
    assert len(await stored(tidings)) == known
    await tidings.emit(hello_to("alice"))
    await tidings.eventually("alice", total=1)
