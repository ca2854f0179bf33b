"""What the log refuses or cannot do is never an internal error of the request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from litestar import get
from tidings.client.errors import (
    RequestRefused,
    StreamNotFound,
    TidingsError,
    Unauthorised,
    Unavailable,
    WrongSequence,
)
from tidings.runtime.errors import Fenced, LogLost
from tidings.runtime.http.web import create_application


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("no leader"),
        RequestRefused("atomic publish is disabled (10174)"),
        StreamNotFound("stream not found (10059)"),
        WrongSequence("wrong last sequence: 5 (10071)"),
        Unauthorised("NATS denies the request"),
        Fenced("taken over"),
        LogLost("another stream"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_of_the_log_answers_503_with_retry_after(error: TidingsError) -> None:
    @get("/work")
    async def work() -> None:
        raise error

    app: Any = create_application([work], tuple, lambda inner: inner)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as http:
        response = await http.get("/work")

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["status"] == 503
