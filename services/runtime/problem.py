"""Problems: how HTTP says what was wrong, where, and what would be right (RFC 9457)."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.types import Send

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class Problem(Exception):
    """A request that is answered with a problem: its status, and words for people; `more` for programs."""

    def __init__(self, status: int, title: str, detail: str, *, retry: bool = False, **more: Any) -> None:
        super().__init__(detail)
        self.headers = headers(503 if retry else status)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more


def body(status: int, title: str, detail: str, **more: Any) -> bytes:
    """A problem as JSON."""
    return msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})


def headers(status: int) -> dict[str, str]:
    """What goes with a status beside the body."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in (429, 503) else {}


async def respond(send: Send, status: int, title: str, detail: str) -> None:
    """Answer a bare ASGI request with a problem."""
    fields = [(b"content-type", MEDIA_TYPE.encode())] + [(name.lower().encode(), value.encode()) for name, value in headers(status).items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body(status, title, detail), "more_body": False})
