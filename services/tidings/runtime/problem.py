"""Problems: how HTTP says what was wrong, where, and what would be right (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.types import Send

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class Problem(Exception):
    """A request that is answered with a problem: its status, and words for people; `more` for programs."""

    def __init__(
        self, status: int, title: str, detail: str, *, retry: bool = False, **more: Any
    ) -> None:
        super().__init__(detail)
        self.headers = headers(503 if retry else status)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more


def body(status: int, title: str, detail: str, **more: Any) -> bytes:
    """A problem as JSON."""
    return msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    )


def headers(status: int) -> dict[str, str]:
    """What goes with a status beside the body."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status == 426:
        return {"Upgrade": "websocket", "Connection": "Upgrade"}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in (429, 503) else {}


async def respond(
    send: Send,
    status: int,
    title: str,
    detail: str,
    more: Mapping[str, str] = {},
    *,
    kind: str = "http",
) -> None:
    """Answer a bare ASGI request with a problem, and with `more` headers; `websocket.http` instead of accepting a WebSocket."""
    told = {"Content-Type": MEDIA_TYPE, **headers(status), **more}
    start: Any = {
        "type": f"{kind}.response.start",
        "status": status,
        "headers": [_field(*each) for each in told.items()],
    }
    rest: Any = {
        "type": f"{kind}.response.body",
        "body": body(status, title, detail),
        "more_body": False,
    }
    await send(start)
    await send(rest)


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.encode()
