"""Fuzzed frames, headers, cursors and queries: no 500, no stack trace, no leak."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance import fuzz
from tests.acceptance.rooms import add_team
from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.web_processes import WebProcess, run_web

SECRET_WORDS = "what-only-the-victim-may-read"
ABRUPT = 1006
ENDS = {1000, 1002, 1003, 1007, 1009, 4001, 4002, 4500, ABRUPT}
READ_BYTES = 20_000
SOON_SECONDS = 15
MEMORY_BYTES = 48 * 1024 * 1024

UNLIMITED = {
    "connections_per_user": 1000,
    **{f"{name}_rate": "off" for name in ("connect", "frame", "request", "stranger", "ticket")},
}
FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "50")),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


class Target:
    """An edge and a gateway under test, with a connected fuzzer and a secret of another user."""

    def __init__(self, process: WebProcess, log: Path, tidings: Tidings, epoch: str) -> None:
        self.process = process
        self.log = log
        self.tidings = tidings
        self.epoch = epoch
        self.token = tidings.token("fuzzer")
        parts = urlsplit(process.url)
        self.host, self.port = parts.hostname or "", parts.port or 0

    def expand_text(self, body: bytes) -> bytes:
        """Return a body as it is sent."""
        return fuzz.expand_text(body, self.epoch)

    def check_no_leak(self, answer: bytes) -> None:
        """Fail if an answer contains a secret, the token or parts of our code."""
        assert SECRET_WORDS.encode() not in answer
        assert self.token.encode() not in answer
        assert b"Traceback" not in answer and b'.py"' not in answer

    async def read_metrics(self) -> dict[str, float]:
        """Return the metrics of the process."""
        lines = (await self.tidings.http.get("/metrics")).text.splitlines()
        return {
            name: float(value)
            for name, value in (line.split() for line in lines if not line.startswith("#"))
        }

    async def send_raw(self, request: bytes) -> bytes:
        """Send a request, and return the beginning of the answer, whatever it is."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            with suppress(ConnectionError, TimeoutError):
                # Answers come at once; a stream or an upgrade would never end.
                async with asyncio.timeout(0.3):
                    return await read_answer(reader)
        finally:
            writer.transport.abort()
        return b""


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return the head of an answer and the beginning of its body."""
    answer = b""
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        answer = await reader.readuntil(b"\r\n\r\n")
    with suppress(TimeoutError):
        async with asyncio.timeout(0.02):
            while len(answer) < READ_BYTES and (chunk := await reader.read(READ_BYTES)):
                answer += chunk
    return answer


@pytest.fixture(scope="module")
async def target(
    url: str, runtime: Runtime, chosen: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    """Return the target, with a victim in the same tenant and a namesake in another."""
    log = tmp_path_factory.mktemp("fuzz") / "web.log"
    async with (
        run_web(chosen, log=log, log_level="INFO", **UNLIMITED) as process,
        Tidings(process.url, runtime) as tidings,
    ):
        await add_team(tidings, "fuzzer", "victim")
        await tidings.emit(make_announcement("victim", title=SECRET_WORDS))
        async with Tidings(process.url, runtime, f"{tidings.tenant}.x") as foreign:
            await foreign.emit(make_announcement("fuzzer", "victim", title=SECRET_WORDS))
            await foreign.wait_for_counts("fuzzer", total=1)
        await tidings.wait_for_counts("victim", total=2)
        cursor = (await tidings.get("/v1/log", "fuzzer"))["cursor"]
        yield Target(process, log, tidings, cursor.partition("-")[0])


@pytest.fixture(autouse=True)
async def check_target(target: Target) -> AsyncIterator[None]:
    """Afterwards, check that the process serves, released everything and logged no trace."""
    before, log_size = await target.read_metrics(), target.log.stat().st_size
    yield
    new_log = target.log.read_bytes()[log_size:]
    assert b"Traceback" not in new_log, new_log[-5000:]
    target.check_no_leak(new_log)
    await wait_until_released(target, before)
    async with target.tidings.socket("fuzzer") as client:
        await client.live()


async def wait_until_released(target: Target, before: dict[str, float]) -> None:
    """Wait until connections, watches, tasks and files are back at their earlier numbers."""
    names = ("tidings_connections", "tidings_watches", "tidings_tasks", "process_open_fds")
    async with asyncio.timeout(SOON_SECONDS):
        while unreleased := {
            name: value
            for name, value in (await target.read_metrics()).items()
            if name in names and value > before[name] + 2
        }:
            await asyncio.sleep(0.1)
            print(unreleased)
    after = await target.read_metrics()
    assert (
        after["process_resident_memory_bytes"]
        < before["process_resident_memory_bytes"] + MEMORY_BYTES
    )


def encode_query(query: Sequence[tuple[str, str]]) -> bytes:
    """Encode a query as part of a URL."""
    return (
        "&".join(f"{name}={quote_plus(value, errors='surrogatepass')}" for name, value in query)
        .replace("%7Bepoch%7D", "{epoch}")
        .encode()
    )


def connect_to(target: Target, token: str | None = None, **options: Any) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return connect(
        f"ws://{target.host}:{target.port}/v1/socket",
        additional_headers=headers,
        max_size=2**24,
        compression=None,
        **options,
    )


async def send_frames(client: ClientConnection, frames: list[fuzz.Frame], target: Target) -> None:
    for body, text in frames:
        await client.send(target.expand_text(body), text=text)


async def read_until_settled(client: ClientConnection, target: Target) -> int | None:
    """Read until our ping is answered (None) or the connection ends (its close code)."""
    async with asyncio.timeout(WAIT_SECONDS):
        try:
            await client.send('{"type":"ping"}')
            while True:
                message = await client.recv()
                target.check_no_leak(message.encode() if isinstance(message, str) else message)
                if json.loads(message)["type"] == "heartbeat":
                    return None
        except ConnectionClosed:
            target.check_no_leak((client.close_reason or "").encode())
            return client.close_code


@FUZZ
@given(st.lists(fuzz.FRAMES, min_size=1, max_size=3))
@example(
    [(b'{"type":"mark","op":"\xed\xa0\x80","state":"read","ids":["%b"]}' % fuzz.ID.encode(), False)]
)
@example([(b'{"type":"watch","op":"1","relation":"a:\xff#b"}', False)])
@example(
    [
        (
            b'{"type":"signal","to":"project:1#member","name":"n","data":{"a":1'
            + b"0" * 900
            + b"}}",
            True,
        )
    ]
)
async def test_no_frame_does_harm(target: Target, frames: list[fuzz.Frame]) -> None:
    async with connect_to(target, target.token) as client:
        with suppress(ConnectionClosed):
            await send_frames(client, frames, target)

        assert await read_until_settled(client, target) in ENDS | {None}


@FUZZ
@given(st.lists(fuzz.FRAMES, min_size=1, max_size=2))
async def test_no_first_frame_opens_a_connection(target: Target, frames: list[fuzz.Frame]) -> None:
    async with connect_to(target) as client:
        with suppress(ConnectionClosed):
            await send_frames(client, frames, target)

        assert await read_until_settled(client, target) in ENDS


@FUZZ
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
async def test_no_bytes_do_harm_where_frames_should_be(target: Target, bytes_: list[bytes]) -> None:
    async with connect_to(target, target.token) as client:
        await client.recv()

        client.transport.write(b"".join(bytes_))

        await asyncio.sleep(0)
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(0.02):
                while True:
                    message = await client.recv()
                    target.check_no_leak(message.encode() if isinstance(message, str) else message)
        client.transport.abort()


@FUZZ
@given(
    method=fuzz.METHODS,
    path=fuzz.PATHS,
    query=fuzz.QUERIES.map(encode_query) | fuzz.RAW_QUERIES,
    headers=st.lists(fuzz.HEADERS, max_size=3),
    with_token=st.booleans(),
    kind=st.sampled_from([fuzz.CLOSE, fuzz.CLOSE, fuzz.UPGRADE]),
    body=fuzz.bodies(),
)
@example(
    method="GET",
    path="/v1/socket",
    query=b"",
    headers=[],
    with_token=True,
    kind=fuzz.CLOSE,
    body=b"",
)
@example(
    method="GET",
    path="/v1/stream",
    query=b"",
    headers=[],
    with_token=True,
    kind=fuzz.UPGRADE,
    body=b"",
)
@example(
    method="DELETE",
    path="/v1/stream",
    query=b"",
    headers=[],
    with_token=True,
    kind=fuzz.CLOSE,
    body=b"",
)
async def test_no_request_does_harm(
    target: Target,
    method: str,
    path: str,
    query: bytes,
    headers: list[tuple[str, bytes]],
    with_token: bool,
    kind: bytes,
    body: bytes,
) -> None:
    fields = [
        (name, value) for name, value in headers if not (with_token and name == "Authorization")
    ]
    if with_token:
        fields.append(("Authorization", f"Bearer {target.token}".encode()))
    head = b"%b %b?%b HTTP/1.1\r\nHost: x\r\n" % (method.encode(), path.encode(), query)
    lines = kind + b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in fields)
    length_line = b"" if method in ("GET", "HEAD") else b"Content-Length: %d\r\n" % len(body)

    answer = await target.send_raw(
        target.expand_text(head + lines) + length_line + b"\r\n" + (body if length_line else b"")
    )

    parse_status(answer)
    target.check_no_leak(answer)


def parse_status(answer: bytes) -> int | None:
    """Return the status of an answer, if there is one; fail if it is a server error."""
    if not answer:
        return None
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    code = int(answer[9:12])
    assert code < 500, answer[:2000]
    return code


async def request_from(target: Target, method: str, path: str, **options: Any) -> httpx.Response:
    """Send a request of the fuzzer; fail if the answer is a server error."""
    response = await target.tidings.http.request(
        method, path, headers={"Authorization": f"Bearer {target.token}"}, **options
    )
    assert response.status_code < 500, response.text
    target.check_no_leak(response.content)
    return response


def encode_cursor(name: str, cursor: str) -> str:
    return f"{name}={quote(cursor, errors='surrogatepass')}"


@FUZZ
@given(fuzz.CURSORS)
async def test_no_cursor_does_harm_anywhere(target: Target, cursor: str) -> None:
    cursor = cursor.replace("{epoch}", target.epoch)

    log = await request_from(target, "GET", f"/v1/log?{encode_cursor('after', cursor)}")
    page = await request_from(target, "GET", f"/v1/notifications?{encode_cursor('before', cursor)}")
    mark = await request_from(
        target,
        "POST",
        "/v1/notifications/mark",
        content=json.dumps({"state": "seen", "up_to": cursor}),
    )

    assert {log.status_code, page.status_code} <= {200, 400, 410} and mark.status_code in (
        200,
        400,
        409,
    )
    async with aclosing(read_frames_after(target, cursor)) as frames:
        types = [json.loads(frame)["type"] async for frame in frames]
    assert types[0] == "hello" and types[-1] == "live"


async def read_frames_after(target: Target, cursor: str) -> AsyncGenerator[str]:
    """Yield the frames that a WebSocket with a cursor receives, until it is live."""
    body = json.dumps(
        {"type": "auth", "token": target.token, "cursor": cursor.encode("utf-8", "ignore").decode()}
    )
    async with connect_to(target) as client, asyncio.timeout(WAIT_SECONDS):
        await client.send(body)
        while True:
            message = str(await client.recv())
            target.check_no_leak(message.encode())
            yield message
            if message.startswith('{"type":"live"'):
                return


@FUZZ
@given(
    fuzz.bodies() | fuzz.DEEP,
    st.sampled_from(["/v1/notifications/mark", "/v1/signals", "/v1/events"]),
    fuzz.LINE,
)
async def test_no_body_does_harm(target: Target, body: bytes, path: str, key: bytes) -> None:
    head = (
        b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Authorization: Bearer %b\r\nIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n"
    )
    content = target.expand_text(body)

    answer = await target.send_raw(
        head % (path.encode(), target.token.encode(), target.expand_text(key), len(content))
        + content
    )

    parse_status(answer)
    target.check_no_leak(answer)
