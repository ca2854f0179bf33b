"""Idempotent requests: a POST with an `Idempotency-Key` is done once, and its answer given again to whoever repeats it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tidings.runtime.auth import Identity, Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.idempotency import Answer, Claim, Keys
from tidings.runtime.problem import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY_LIMIT_CHARACTERS = 128
BODY_LIMIT_BYTES = 8 * 1024 * 1024
KEPT_HEADERS = ("content-type", "location")
NOT_FINAL = (401, 403, 429)
"""What the same request may be answered otherwise with a better token, or a moment later; like every 5xx."""

KEY = rf'^(?:"(?:[ !#-\[\]-~]|\\["\\]){{1,{KEY_LIMIT_CHARACTERS}}}"|[!#-+\--\[\]-~]{{1,{KEY_LIMIT_CHARACTERS}}})$'
"""A string of RFC 9651 as the draft has it, or the same without quotes, as most clients send it."""

_KEY = re.compile(KEY[:-1] + r"\Z")
Connection = ASGIConnection[Any, Any, Any, Any]
Identify = Callable[[Scope], Awaitable[Identity]]


class Gone(Exception):
    """The client has closed the connection before its request was whole."""


class Idempotent:
    """Litestar middleware for every POST; a request without the header goes through as it is."""

    def __init__(self, keys: Keys, identify: Identify) -> None:
        self._keys = keys
        self._identify = identify

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap a route."""

        async def keyed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await app(scope, receive, send)
                return
            connection: Connection = ASGIConnection(scope)
            given = connection.headers.getall(HEADER, [])
            caller = await self._caller(scope) if given else None
            if caller is None:
                await app(scope, receive, send)
                return
            with suppress(Gone):
                await self._once(app, connection, caller, _key(given), receive, send)

        return keyed

    async def _caller(self, scope: Scope) -> Identity | None:
        """Who asks; whoever is nobody is told so by the route itself."""
        try:
            return await self._identify(scope)
        except Unauthorised:
            return None

    async def _once(
        self,
        app: ASGIApp,
        connection: Connection,
        caller: Identity,
        key: str,
        receive: Receive,
        send: Send,
    ) -> None:
        body = await _body(receive)
        claim = await self._keys.claim(caller.person, key, _digest(connection, body))
        if isinstance(claim, Answer):
            await _send(send, claim, {**claim.headers, REPLAYED: "true"})
            return
        recorded = await self._work(app, connection.scope, claim, body, receive)
        answer = recorded.answer
        if answer.status >= 500 or answer.status in NOT_FINAL:
            await self._keys.release(claim)
        else:
            await self._keys.keep(claim, Answer(answer.status, _kept(answer.headers), answer.body))
        await recorded.send(send)

    async def _work(
        self, app: ASGIApp, scope: Scope, claim: Claim, body: bytes, receive: Receive
    ) -> Recorder:
        recorder = Recorder(body, receive)
        try:
            async with asyncio.timeout(self._keys.work_seconds):
                await app(scope, recorder.receive, recorder.record)
        except TimeoutError:
            await self._keys.release(claim)
            raise Unavailable(
                f"a request with an idempotency key took over {self._keys.work_seconds:.0f} seconds"
            ) from None
        return recorder


class Recorder:
    """A request that was read already, for a route that reads it again; and what the route answers."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._messages: list[Any] = []

    async def receive(self) -> Any:
        """The body at once, then whatever else comes."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def record(self, message: Message) -> None:
        """Keep a part of the answer."""
        self._messages.append(message)

    async def send(self, send: Send) -> None:
        """Send the answer on as it came."""
        for message in self._messages:
            await send(message)

    @property
    def answer(self) -> Answer:
        """The whole answer."""
        start, *parts = self._messages
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]
        }
        return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in parts))


def name(connection: Connection) -> str:
    """A name for what a request does, the same for each repetition with its key: for whatever keeps such names by itself."""
    given = connection.headers.get(HEADER)
    return sha256(given.encode()).hexdigest() if given else uuid4().hex


def _key(given: list[str]) -> str:
    if len(given) > 1 or not _KEY.match(given[0].strip(" \t")):
        words = f"send one key of 1 to {KEY_LIMIT_CHARACTERS} printable ASCII characters in quotes, such as a UUID"
        raise Problem(400, "bad key", words, field=HEADER)
    text = given[0].strip(" \t")
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


async def _body(receive: Receive) -> bytes:
    parts, size, more = list[bytes](), 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT_BYTES:
            raise Problem(
                413,
                "too large",
                f"with an {HEADER} a body has at most {BODY_LIMIT_BYTES} bytes; events need none: they have ids",
            )
        more = message.get("more_body", False)
    return b"".join(parts)


def _digest(connection: Connection, body: bytes) -> bytes:
    """What makes a request this one: where it goes, what is in it, and the attributes that CloudEvents put into headers."""
    headers = sorted(
        (name, value)
        for name, value in connection.headers.multi_items()
        if name == "content-type" or name.startswith("ce-")
    )
    scope: Any = connection.scope
    return sha256(repr((scope["path"], scope["query_string"], headers)).encode() + body).digest()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS}


async def _send(send: Send, answer: Answer, headers: Mapping[str, str]) -> None:
    fields = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
    fields.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
