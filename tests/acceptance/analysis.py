"""Queries of an analyst, who may read activity and metrics of the whole tenant."""

from __future__ import annotations

from typing import Any

from tests.driver import Tidings
from tests.waiting import wait_until


async def query_as_analyst(tidings: Tidings, path: str, **query: Any) -> dict[str, Any]:
    """Send a GET request with the scope `admin`, and return its JSON."""
    response = await tidings.http.get(
        path, params=query, headers=tidings.headers("dina", scope="admin")
    )
    assert response.status_code == 200, response.text
    return response.json()


async def emit_and_wait(tidings: Tidings, path: str, *events: dict[str, Any]) -> None:
    """Emit events, and wait until the answer of a path includes the last of them."""
    receipt = await tidings.emit(*events)
    last = max(number for span in receipt["sequences"] for number in span)

    async def is_included() -> bool:
        return (await query_as_analyst(tidings, path))["sequence"] >= last

    await wait_until(is_included)
