"""Direct sockets: WebSockets of a path pass by the framework, and nothing else does."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tidings.runtime.http.direct_sockets import DirectSockets

PATH = "/v1/socket"


class Applications:
    """An application and a handler of sockets that record what reaches them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.passed_on: list[Any] = []
        self.served: list[Any] = []
        self.sent: list[Any] = []
        self._error = error
        self.direct = DirectSockets(cast(Any, self._app), {PATH: cast(Any, self._serve)})

    async def call(self, **scope: Any) -> None:
        await self.direct(cast(Any, scope), cast(Any, None), cast(Any, self._send))

    async def _app(self, scope: Any, *_: Any) -> None:
        self.passed_on.append(scope)

    async def _serve(self, scope: Any, *_: Any) -> None:
        self.served.append(scope)
        if self._error:
            raise self._error

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


async def test_a_websocket_of_the_path_goes_to_its_handler() -> None:
    applications = Applications()

    await applications.call(type="websocket", path=PATH)

    assert len(applications.served) == 1
    assert applications.passed_on == []


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "http", "path": PATH},
        {"type": "websocket", "path": PATH + "/"},
        {"type": "websocket", "path": "/v1/stream"},
    ],
    ids=str,
)
async def test_everything_else_goes_to_the_application(scope: dict[str, str]) -> None:
    applications = Applications()

    await applications.call(**scope)

    assert applications.passed_on == [scope]
    assert applications.served == []


async def test_a_websocket_whose_handler_fails_is_closed_as_the_framework_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    applications = Applications(ValueError("broken"))

    await applications.call(type="websocket", path=PATH)

    assert applications.sent == [
        {"type": "websocket.close", "code": 4500, "reason": "Internal Server Error"}
    ]
    assert "a WebSocket failed" in caplog.text
