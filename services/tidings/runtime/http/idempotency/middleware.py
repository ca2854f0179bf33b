"""Idempotency: execute a POST with an `Idempotency-Key` once, and repeat its answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tidings.contracts.subjects import Person
from tidings.runtime.auth.access import RATE_STATUS
from tidings.runtime.auth.emit_rights import EMIT, emit_rights
from tidings.runtime.auth.identity import Identity, Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.idempotency.store import IdempotencyKeys, KeyClaim, StoredAnswer
from tidings.runtime.http.openapi import OPERATION, Operation
from tidings.runtime.http.problem import Problem, rate_problem
from tidings.runtime.http.rate import Buckets, RateExceeded

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
KEY_LIMIT_CHARACTERS = 128
BODY_LIMIT_BYTES = 8 * 1024 * 1024
STORED_HEADERS = ("content-type", "location")
UNSTORED_STATUSES = (401, 403, 429)
"""Like every 5xx: a retry with another token, or later, may succeed."""

_QUOTED_KEY = rf'"(?:[ !#-\[\]-~]|\\["\\]){{1,{KEY_LIMIT_CHARACTERS}}}"'
_BARE_KEY = rf"[!#-+\--\[\]-~]{{1,{KEY_LIMIT_CHARACTERS}}}"
KEY_PATTERN = f"^(?:{_QUOTED_KEY}|{_BARE_KEY})$"
"""A string of RFC 9651, as the draft demands, or without its quotes, as most clients send it."""

_KEY_REGEX = re.compile(KEY_PATTERN[:-1] + r"\Z")
HttpConnection = ASGIConnection[Any, Any, Any, Any]
IdentifySender = Callable[[Scope, str | None], Awaitable[Identity]]
"""Return the sender of a request to a path of a dialect, None for any other path."""
DIALECT_OPT = "dialect"
"""The key in a route's `opt` that names the dialect of its path."""

UNSTORED = "unstored"
UNSTORED_OPT = {UNSTORED: True}
"""The `opt` of a route whose answers are secrets: they are never stored or repeated."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class IdempotencyMiddleware:
    """Litestar middleware for every POST; a request without the header passes unchanged.

    A repeated answer takes a token of its sender's bucket of `rate`, as the route itself would.
    """

    def __init__(
        self,
        keys: IdempotencyKeys,
        identify: IdentifySender,
        rate: Buckets[Person] | None = None,
    ) -> None:
        self._keys = keys
        self._identify = identify
        self._rate = rate

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap a route."""

        async def keyed_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await app(scope, receive, send)
                return
            connection: HttpConnection = ASGIConnection(scope)
            stores = not scope["route_handler"].opt.get(UNSTORED)
            keys = connection.headers.getall(KEY_HEADER, []) if stores else []
            caller = await self._identify_caller(scope) if keys else None
            if caller is None:
                await app(scope, receive, send)
                return
            with suppress(ClientGone):
                await self._execute_once(app, connection, caller, _parse_key(keys), receive, send)

        return keyed_app

    async def _identify_caller(self, scope: Scope) -> Identity | None:
        """Return the sender, None if unauthorised: then the route itself answers.

        A key is not stored for a sender whose token lacks the route's scope.
        """
        opt = scope["route_handler"].opt
        try:
            caller = await self._identify(scope, opt.get(DIALECT_OPT))
        except Unauthorised:
            return None
        operation: Operation | None = opt.get(OPERATION)
        required = operation.scope if operation else None
        return caller if _has_scope(caller, required) else None

    async def _execute_once(
        self,
        app: ASGIApp,
        connection: HttpConnection,
        caller: Identity,
        key: str,
        receive: Receive,
        send: Send,
    ) -> None:
        self._check_rate(connection.scope, caller, takes=False)
        body = await _read_body(receive)
        claim = await self._keys.claim_key(caller.person, key, _request_digest(connection, body))
        if isinstance(claim, StoredAnswer):
            self._check_rate(connection.scope, caller, takes=True)
            await _send_answer(send, claim, {**claim.headers, REPLAYED_HEADER: "true"})
            return
        recorder = await self._execute_request(app, connection.scope, claim, body, receive)
        answer = recorder.answer
        if answer.status >= 500 or answer.status in UNSTORED_STATUSES:
            await self._keys.release_key(claim)
        else:
            await self._keys.store_answer(
                claim, StoredAnswer(answer.status, _stored_headers(answer.headers), answer.body)
            )
        await recorder.send_response(send)

    def _check_rate(self, scope: Scope, caller: Identity, *, takes: bool) -> None:
        """Raise Problem if the sender's bucket has no token; else take one if `takes`."""
        if self._rate is None:
            return
        use = self._rate.take_token if takes else self._rate.peek
        status = use(caller.person, time.monotonic())
        if status.wait_seconds:
            # This middleware runs outside the one that adds the headers of a rate.
            raise rate_problem(RateExceeded(status))
        if takes:
            scope["state"][RATE_STATUS] = status

    async def _execute_request(
        self, app: ASGIApp, scope: Scope, claim: KeyClaim, body: bytes, receive: Receive
    ) -> ResponseRecorder:
        recorder = ResponseRecorder(body, receive)
        try:
            async with asyncio.timeout(self._keys.work_timeout_seconds):
                await app(scope, recorder.receive_body, recorder.record_message)
        except TimeoutError:
            await self._keys.release_key(claim)
            raise Unavailable(
                "a request with an idempotency key took over"
                f" {self._keys.work_timeout_seconds:.0f} seconds"
            ) from None
        return recorder


class ResponseRecorder:
    """Replays a request's body to a route, and records the route's answer."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._messages: list[Any] = []

    async def receive_body(self) -> Any:
        """Return the whole body first, then the messages that follow it."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def record_message(self, message: Message) -> None:
        """Record a part of the answer."""
        self._messages.append(message)

    async def send_response(self, send: Send) -> None:
        """Send the recorded answer."""
        for message in self._messages:
            await send(message)

    @property
    def answer(self) -> StoredAnswer:
        """The complete answer."""
        start, *parts = self._messages
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]
        }
        return StoredAnswer(
            start["status"], headers, b"".join(part.get("body", b"") for part in parts)
        )


def request_name(connection: HttpConnection) -> str:
    """Return a name for the effect of a request, the same for each repetition with its key.

    Routes use it as the id of what they append, so that a repetition appends nothing new.
    """
    key = connection.headers.get(KEY_HEADER)
    return sha256(key.encode()).hexdigest() if key else uuid4().hex


def _has_scope(caller: Identity, required: str | None) -> bool:
    return (
        required is None
        or required in caller.scopes
        or (required == EMIT and emit_rights(caller.scopes) is not None)
    )


def _parse_key(values: list[str]) -> str:
    if len(values) > 1 or not _KEY_REGEX.match(values[0].strip(" \t")):
        detail = (
            f"send one key of 1 to {KEY_LIMIT_CHARACTERS} printable ASCII characters in quotes,"
            " such as a UUID"
        )
        raise Problem(400, "bad key", detail, field=KEY_HEADER)
    text = values[0].strip(" \t")
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


async def _read_body(receive: Receive) -> bytes:
    parts, size, more = list[bytes](), 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT_BYTES:
            raise Problem(
                413,
                "too large",
                f"with an {KEY_HEADER} a body has at most {BODY_LIMIT_BYTES} bytes;"
                " events need none: they have ids",
            )
        more = message.get("more_body", False)
    return b"".join(parts)


def _request_digest(connection: HttpConnection, body: bytes) -> bytes:
    """Return a digest of path, query, body and the headers that hold attributes of CloudEvents."""
    headers = sorted(
        (name, value)
        for name, value in connection.headers.multi_items()
        if name == "content-type" or name.startswith("ce-")
    )
    scope: Any = connection.scope
    return sha256(repr((scope["path"], scope["query_string"], headers)).encode() + body).digest()


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in STORED_HEADERS}


async def _send_answer(send: Send, answer: StoredAnswer, headers: Mapping[str, str]) -> None:
    fields = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
    fields.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
