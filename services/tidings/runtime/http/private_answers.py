"""Private answers: no cache keeps an answer that does not say how it may be kept."""

from __future__ import annotations

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
                headers = [*message["headers"]]
                if not any(name.lower() == CACHE_CONTROL for name, _ in headers):
                    message["headers"] = [*headers, (CACHE_CONTROL, PRIVATE)]
            await send(message)

        await next_app(scope, receive, send_with_header)
