"""Direct sockets: WebSockets that go to their handler without the layers of the framework."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from litestar.types import ASGIApp, Receive, Scope, Send

FAILED_CODE, FAILED_REASON = 4500, "Internal Server Error"
"""What the framework closes a WebSocket with whose handler fails."""

log = logging.getLogger("tidings.web")


class DirectSockets:
    """Wraps an application; `handlers` are the handlers of WebSockets by their exact path.

    The layers of the framework are for requests, and cost a handshake more than its checks do. What
    limits strangers and hosts stands before this; everything else is passed on.
    """

    def __init__(self, app: ASGIApp, handlers: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket of one of the paths, or pass the request on."""
        handler = self._handlers.get(scope["path"]) if scope["type"] == "websocket" else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        try:
            await handler(scope, receive, send)
        except Exception as error:
            log.error("a WebSocket failed", exc_info=error)
            with suppress(OSError, RuntimeError):  # the client has left, or it is closed already
                await send(
                    {"type": "websocket.close", "code": FAILED_CODE, "reason": FAILED_REASON}
                )
