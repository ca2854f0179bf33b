"""Fuzzed frames, headers, cursors and queries: never a 500, a stack trace or a leak, and never what is another's."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
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
from tests.acceptance.company import team
from tests.driver import WAIT_SECONDS, Tidings, hello_to
from tests.webs import Web, web

SECRET_WORDS = "what-only-the-victim-may-read"
ABRUPT = 1006
ENDS = {1000, 1002, 1003, 1007, 1009, 4001, 4002, 4500, ABRUPT}
READ_BYTES = 20_000
SOON_SECONDS = 15
MEMORY_BYTES = 48 * 1024 * 1024

UNLIMITED = {
    "connections_per_user": 1000,
    **{f"{name}_rate": "off" for name in ("connect", "frame", "request", "ticket")},
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
    """An edge and a gateway of our own, a fuzzer who may connect to them, and what they must not tell."""

    def __init__(self, process: Web, log: Path, tidings: Tidings, epoch: str) -> None:
        self.process = process
        self.log = log
        self.tidings = tidings
        self.epoch = epoch
        self.token = tidings.token("fuzzer")
        parts = urlsplit(process.url)
        self.host, self.port = parts.hostname or "", parts.port or 0

    def spelled(self, body: bytes) -> bytes:
        """As it goes over the wire."""
        return fuzz.spelled(body, self.epoch)

    def check(self, told: bytes) -> None:
        """What was told must neither be another's nor give a token or our code away."""
        assert SECRET_WORDS.encode() not in told
        assert self.token.encode() not in told
        assert b"Traceback" not in told and b'.py"' not in told

    async def holds(self) -> dict[str, float]:
        """What the process says of itself."""
        lines = (await self.tidings.http.get("/metrics")).text.splitlines()
        return {
            name: float(value)
            for name, value in (line.split() for line in lines if not line.startswith("#"))
        }

    async def raw(self, request: bytes) -> bytes:
        """The beginning of the answer to a request, whatever it is."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(0.3):
                    return await answer(reader)
        finally:
            writer.transport.abort()
        return b""


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer and a part of its body: all there is of a short one."""
    told = b""
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        told = await reader.readuntil(b"\r\n\r\n")
    with suppress(TimeoutError):
        async with asyncio.timeout(0.02):
            while len(told) < READ_BYTES and (more := await reader.read(READ_BYTES)):
                told += more
    return told


@pytest.fixture(scope="module")
async def target(
    url: str, runtime: Runtime, chosen: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    """The target, with a victim of the same tenant and one of the same name in another."""
    log = tmp_path_factory.mktemp("fuzz") / "web.log"
    async with (
        web(chosen, log=log, log_level="INFO", **UNLIMITED) as process,
        Tidings(process.url, runtime) as tidings,
    ):
        await team(tidings, "fuzzer", "victim")
        await tidings.emit(hello_to("victim", title=SECRET_WORDS))
        async with Tidings(process.url, runtime, f"{tidings.tenant}.x") as foreign:
            await foreign.emit(hello_to("fuzzer", "victim", title=SECRET_WORDS))
            await foreign.eventually("fuzzer", total=1)
        await tidings.eventually("victim", total=2)
        cursor = (await tidings.get("/v1/log", "fuzzer"))["cursor"]
        yield Target(process, log, tidings, cursor.partition("-")[0])


@pytest.fixture(autouse=True)
async def unharmed(target: Target) -> AsyncIterator[None]:
    """Afterwards the process lives, holds no more than before, has logged no trace, and serves."""
    before, said = await target.holds(), target.log.stat().st_size
    yield
    told = target.log.read_bytes()[said:]
    assert b"Traceback" not in told, told[-5000:]
    target.check(told)
    await nothing_left(target, before)
    async with target.tidings.socket("fuzzer") as client:
        await client.live()


async def nothing_left(target: Target, before: dict[str, float]) -> None:
    """Wait until connections, watches, tasks and files are as many as before, or fewer."""
    names = ("tidings_connections", "tidings_watches", "tidings_tasks", "process_open_fds")
    async with asyncio.timeout(SOON_SECONDS):
        while more := {
            name: value
            for name, value in (await target.holds()).items()
            if name in names and value > before[name] + 2
        }:
            await asyncio.sleep(0.1)
            print(more)
    after = await target.holds()
    assert (
        after["process_resident_memory_bytes"]
        < before["process_resident_memory_bytes"] + MEMORY_BYTES
    )


def spelled(query: list[tuple[str, str]]) -> bytes:
    """A query as it stands in an address."""
    return (
        "&".join(f"{name}={quote_plus(value, errors='surrogatepass')}" for name, value in query)
        .replace("%7Bepoch%7D", "{epoch}")
        .encode()
    )


def socket(target: Target, token: str | None = None, **more: Any) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return connect(
        f"ws://{target.host}:{target.port}/v1/socket",
        additional_headers=headers,
        max_size=2**24,
        compression=None,
        **more,
    )


async def send(client: ClientConnection, frames: list[fuzz.Frame], target: Target) -> None:
    for body, text in frames:
        await client.send(target.spelled(body), text=text)


async def told_until_settled(client: ClientConnection, target: Target) -> int | None:
    """Read until the answer to a ping of ours, or the end: the code of the end."""
    async with asyncio.timeout(WAIT_SECONDS):
        try:
            await client.send('{"type":"ping"}')
            while True:
                message = await client.recv()
                target.check(message.encode() if isinstance(message, str) else message)
                if json.loads(message)["type"] == "heartbeat":
                    return None
        except ConnectionClosed:
            target.check((client.close_reason or "").encode())
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
    async with socket(target, target.token) as client:
        with suppress(ConnectionClosed):
            await send(client, frames, target)

        assert await told_until_settled(client, target) in ENDS | {None}


@FUZZ
@given(st.lists(fuzz.FRAMES, min_size=1, max_size=2))
async def test_no_first_frame_lets_anybody_in(target: Target, frames: list[fuzz.Frame]) -> None:
    async with socket(target) as client:
        with suppress(ConnectionClosed):
            await send(client, frames, target)

        assert await told_until_settled(client, target) in ENDS


@FUZZ
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
async def test_no_bytes_do_harm_where_frames_should_be(target: Target, bytes_: list[bytes]) -> None:
    async with socket(target, target.token) as client:
        await client.recv()

        client.transport.write(b"".join(bytes_))

        await asyncio.sleep(0)
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(0.02):
                while True:
                    message = await client.recv()
                    target.check(message.encode() if isinstance(message, str) else message)
        client.transport.abort()


@FUZZ
@given(
    method=fuzz.METHODS,
    path=fuzz.PATHS,
    query=fuzz.QUERIES.map(spelled) | fuzz.RAW_QUERIES,
    headers=st.lists(fuzz.HEADERS, max_size=3),
    known=st.booleans(),
    kind=st.sampled_from([fuzz.CLOSE, fuzz.CLOSE, fuzz.UPGRADE]),
    body=fuzz.bodies(),
)
@example(
    method="GET", path="/v1/socket", query=b"", headers=[], known=True, kind=fuzz.CLOSE, body=b""
)
@example(
    method="GET", path="/v1/stream", query=b"", headers=[], known=True, kind=fuzz.UPGRADE, body=b""
)
@example(
    method="DELETE", path="/v1/stream", query=b"", headers=[], known=True, kind=fuzz.CLOSE, body=b""
)
async def test_no_request_does_harm(
    target: Target,
    method: str,
    path: str,
    query: bytes,
    headers: list[tuple[str, bytes]],
    known: bool,
    kind: bytes,
    body: bytes,
) -> None:
    fields = [(name, value) for name, value in headers if not (known and name == "Authorization")]
    if known:
        fields.append(("Authorization", f"Bearer {target.token}".encode()))
    head = b"%b %b?%b HTTP/1.1\r\nHost: x\r\n" % (method.encode(), path.encode(), query)
    lines = kind + b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in fields)
    sized = b"" if method in ("GET", "HEAD") else b"Content-Length: %d\r\n" % len(body)

    told = await target.raw(
        target.spelled(head + lines) + sized + b"\r\n" + (body if sized else b"")
    )

    status(told)
    target.check(told)


def status(told: bytes) -> int | None:
    """The status of an answer, if there is one; it is never an error of ours."""
    if not told:
        return None
    assert told.startswith(b"HTTP/1.1 "), told[:200]
    code = int(told[9:12])
    assert code < 500, told[:2000]
    return code


async def asked(target: Target, method: str, path: str, **more: Any) -> httpx.Response:
    """A request of the fuzzer's, answered without an error of ours."""
    response = await target.tidings.http.request(
        method, path, headers={"Authorization": f"Bearer {target.token}"}, **more
    )
    assert response.status_code < 500, response.text
    target.check(response.content)
    return response


def query_of(name: str, cursor: str) -> str:
    return f"{name}={quote(cursor, errors='surrogatepass')}"


@FUZZ
@given(fuzz.CURSORS)
async def test_no_cursor_does_harm_anywhere(target: Target, cursor: str) -> None:
    cursor = cursor.replace("{epoch}", target.epoch)

    log = await asked(target, "GET", f"/v1/log?{query_of('after', cursor)}")
    listed = await asked(target, "GET", f"/v1/notifications?{query_of('before', cursor)}")
    marked = await asked(
        target,
        "POST",
        "/v1/notifications/mark",
        content=json.dumps({"state": "seen", "up_to": cursor}),
    )

    assert {log.status_code, listed.status_code} <= {200, 400, 410} and marked.status_code in (
        200,
        400,
        409,
    )
    async with aclosing(frames_after(target, cursor)) as told:
        types = [json.loads(frame)["type"] async for frame in told]
    assert types[0] == "hello" and types[-1] == "live"


async def frames_after(target: Target, cursor: str) -> AsyncIterator[str]:
    """What a WebSocket is told that begins with a cursor, until it is live."""
    body = json.dumps(
        {"type": "auth", "token": target.token, "cursor": cursor.encode("utf-8", "ignore").decode()}
    )
    async with socket(target) as client, asyncio.timeout(WAIT_SECONDS):
        await client.send(body)
        while True:
            message = str(await client.recv())
            target.check(message.encode())
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
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %b\r\nIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n"
    sent = target.spelled(body)

    told = await target.raw(
        head % (path.encode(), target.token.encode(), target.spelled(key), len(sent)) + sent
    )

    status(told)
    target.check(told)
