"""Problems: error answers of HTTP as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.types import Send
from tidings.runtime.http.rate import RateExceeded

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
TYPES_PAGE = "/schema"
PROBLEM_TYPES = {
    "event rejected": "an event is refused, at `line` and `field`; `stored` counts those before it",
    "in progress": "the first request with this `Idempotency-Key` is not answered yet",
    "another request": "this `Idempotency-Key` was first sent with another request",
    "too many keys": "the caller has too many `Idempotency-Key`s that are kept",
    "misdirected": "another edge serves this user: reconnect with `partition`",
    "gone": "the cursor cannot be replayed, for the `reason`; start again without one",
    "undecided product": "two products share the path, and nothing says which the tenant's is",
    "locked": "the tenant requires something else: the preference in `reason`",
    "pressed before": "another button of the notification was pressed, the one in `reason`",
}
"""The causes that a program must tell apart from others with the same status; each is the title."""


class Problem(Exception):
    """Answers a request with a problem; `detail` is for people, `more` are fields for programs."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        retry: bool = False,
        headers: Mapping[str, str] = {},
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.headers = {**problem_headers(503 if retry else status), **headers}
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more


def rate_problem(error: RateExceeded) -> Problem:
    """Return the problem that answers a request beyond a rate, with its headers."""
    status = error.status
    return Problem(
        429,
        "too many requests",
        str(error),
        headers=status.headers,
        retry_after_seconds=status.retry_after_seconds,
    )


def problem_body(status: int, title: str, detail: str, **more: Any) -> bytes:
    """Return a problem as JSON.

    A title of `PROBLEM_TYPES` is one of our own types; all others are `about:blank`, whose title
    is the phrase of the status (RFC 9457, section 4.2.1).
    """
    type_, shown_title = (
        (problem_type(title), title.capitalize())
        if title in PROBLEM_TYPES
        else ("about:blank", HTTPStatus(status).phrase)
    )
    return msgspec.json.encode(
        {"type": type_, "title": shown_title, "status": status, "detail": detail, **more}
    )


def problem_type(cause: str) -> str:
    """Return the URI of one of `PROBLEM_TYPES`, which the page at `/schema` explains."""
    return f"{TYPES_PAGE}#{cause.replace(' ', '-')}"


def problem_headers(status: int) -> dict[str, str]:
    """Return the headers that belong to a status."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status == 426:
        return {"Upgrade": "websocket", "Connection": "Upgrade"}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in (429, 503) else {}


async def send_problem(
    send: Send,
    status: int,
    title: str,
    detail: str,
    more: Mapping[str, str] = {},
    *,
    kind: str = "http",
    fields: Mapping[str, Any] = {},
) -> None:
    """Answer a bare ASGI request with a problem, and with `more` headers.

    The kind `websocket.http` refuses a WebSocket's handshake.
    """
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE, **problem_headers(status), **more}
    start: Any = {
        "type": f"{kind}.response.start",
        "status": status,
        "headers": [_field(*header) for header in headers.items()],
    }
    rest: Any = {
        "type": f"{kind}.response.body",
        "body": problem_body(status, title, detail, **fields),
        "more_body": False,
    }
    await send(start)
    await send(rest)


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.encode()
