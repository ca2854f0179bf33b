"""Direct routes: connections pass by the framework, and are answered as it answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from litestar import asgi, get
from litestar.types import Receive, Scope, Send
from tidings.client.errors import StreamFull, Unavailable
from tidings.runtime.errors import RequestRefused
from tidings.runtime.http import problem
from tidings.runtime.http.direct_routes import DirectRoutes
from tidings.runtime.http.web import create_application

PATH = "/connect"
APP, EVIL = "https://app.example.org", "https://evil.example.org"
ERRORS = (ValueError("broken"), Unavailable("away"), StreamFull("full"), RequestRefused("no"))

Answer = list[dict[str, Any]]


class Site:
    """An application with one bare handler, behind direct routes; records what passes these."""

    def __init__(
        self, error: Exception | None = None, *, origins: tuple[str, ...] = (APP,)
    ) -> None:
        self.passed_on: list[str] = []

        @asgi(PATH, copy_scope=False)
        async def connection(scope: Scope, receive: Receive, send: Send) -> None:
            if error:
                raise error
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000, "reason": ""})
            elif cast(Any, scope)["method"] == "POST":
                await problem.send_problem(send, 405, "method not allowed", "use GET")
            else:
                headers = [(b"cache-control", b"no-cache")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        @get("/other", sync_to_thread=False)
        def other() -> str:
            return "other"

        handlers = [connection, other]
        app = create_application(handlers, list, lambda app: app, origins)

        async def recorded(scope: Any, receive: Any, send: Any) -> None:
            self.passed_on.append(scope["path"])
            await app(scope, receive, send)

        self._direct = DirectRoutes(recorded, handlers, origins)

    async def answer_to(
        self, method: str, path: str = PATH, headers: dict[str, str] | None = None
    ) -> Answer:
        fields = {"host": "localhost:1", **(headers or {})}
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            "state": {},
        }
        if method == "WEBSOCKET":
            del scope["method"]
            scope["type"] = "websocket"
        return await self._call(scope)

    async def _call(self, scope: dict[str, Any]) -> Answer:
        sent: Answer = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self._direct(cast(Any, scope), cast(Any, None), send)
        return sent


def normalised(answer: Answer) -> Answer:
    """Return an answer whose fields are in order, without those that a server adds by itself."""
    return [
        {
            **message,
            "headers": sorted(
                (bytes(name).lower(), bytes(value))
                for name, value in message.get("headers", ())
                if bytes(name).lower() != b"content-length"
            ),
        }
        for message in answer
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "WEBSOCKET"])
async def test_a_connection_at_the_path_of_a_bare_handler_passes_by_the_framework(
    method: str,
) -> None:
    site = Site()

    answer = await site.answer_to(method)

    assert answer and site.passed_on == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH + "/"), ("GET", "/other"), ("OPTIONS", PATH), ("WEBSOCKET", "/none")],
)
async def test_everything_else_goes_to_the_framework(method: str, path: str) -> None:
    site = Site()

    await site.answer_to(method, path)

    assert site.passed_on == [path]


@pytest.mark.parametrize("origins", [(APP,), ()], ids=["origins", "no origins"])
@pytest.mark.parametrize("method", ["GET", "POST", "WEBSOCKET"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": APP},
        {"origin": EVIL},
        {"origin": "null", "cookie": "a=b"},
        {"host": "a b"},
        {"host": "a!b"},
    ],
    ids=str,
)
async def test_it_is_answered_as_the_framework_answers_it(
    method: str, headers: dict[str, str], origins: tuple[str, ...]
) -> None:
    site = Site(origins=origins)

    direct = await site.answer_to(method, PATH, headers)
    by_framework = await site.answer_to(method, PATH + "/", headers)

    assert normalised(direct) == normalised(by_framework)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("method", ["GET", "WEBSOCKET"])
async def test_a_failure_is_answered_as_the_framework_answers_it(
    method: str, error: Exception
) -> None:
    site = Site(error)

    direct = await site.answer_to(method, PATH, {"origin": APP})
    by_framework = await site.answer_to(method, PATH + "/", {"origin": APP})

    assert normalised(direct) == normalised(by_framework)


@pytest.mark.parametrize(
    ("method", "text"), [("GET", "a request failed"), ("WEBSOCKET", "a WebSocket failed")]
)
async def test_a_failure_is_logged(
    method: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    await Site(ValueError("broken")).answer_to(method)

    assert text in caplog.text
    assert "ValueError: broken" in caplog.text


async def test_a_handler_that_fails_after_the_head_ends_without_a_second_answer() -> None:
    begun: list[Any] = []

    @asgi(PATH, copy_scope=False)
    async def connection(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("broken")

    await DirectRoutes(_no_app, [connection], ())(
        cast(Any, {"type": "http", "path": PATH, "method": "GET", "headers": []}),
        cast(Any, None),
        _send_of_server(begun),
    )

    assert [message["status"] for message in begun] == [200]


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing is passed on")


def _send_of_server(begun: list[Any]) -> Callable[[Any], Any]:
    """Return a `send` that takes one start of an answer, as uvicorn's does."""

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and begun:
            raise RuntimeError("Expected ASGI message 'http.response.body'")
        begun.append(message)

    return send
