"""Private answers: no cache keeps an answer that does not say how it may be kept."""

from __future__ import annotations

from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

CACHE_CONTROL = b"cache-control"
PRIVATE = b"private, no-store"


class PrivateAnswers(ASGIMiddleware):
    """Adds `Cache-Control: private, no-store` to every answer without that header."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Add the header to the start of the answer."""

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_cache_control(message["headers"])
            await send(message)

        await next_app(scope, receive, send_with_header)


def with_cache_control(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer, with a `Cache-Control` if they have none."""
    stated = [*headers]
    if any(name.lower() == CACHE_CONTROL for name, _ in stated):
        return stated
    return [*stated, (CACHE_CONTROL, PRIVATE)]
