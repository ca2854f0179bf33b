"""Problems: error answers of HTTP as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.types import Send

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class Problem(Exception):
    """Answers a request with a problem; `detail` is for people, `more` are fields for programs."""

    def __init__(
        self, status: int, title: str, detail: str, *, retry: bool = False, **more: Any
    ) -> None:
        super().__init__(detail)
        self.headers = problem_headers(503 if retry else status)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more


def problem_body(status: int, title: str, detail: str, **more: Any) -> bytes:
    """Return a problem as JSON."""
    return msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    )


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
