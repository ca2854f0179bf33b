"""The routes of the edge: connections, the log without one, lists and marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, asgi, get, post
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.frames import InvalidMark, MarkOperation
from tidings.edge import (
    activity_api,
    admission,
    buttons,
    company_api,
    confirm,
    lists,
    metrics_api,
    operations,
)
from tidings.edge.conditional import answer
from tidings.edge.edge import Edge
from tidings.edge.log import Unreplayable
from tidings.edge.operations import CursorParameter
from tidings.edge.socket import Socket
from tidings.edge.stream import Stream
from tidings.edge.wire import Page
from tidings.runtime import problem
from tidings.runtime.auth import Identity
from tidings.runtime.idempotent import name
from tidings.runtime.openapi import says
from tidings.runtime.web import json, respond

BODY_LIMIT_BYTES = 64 * 1024
AnyRequest = Request[Any, Any, Any]


def handlers(edge: Edge) -> list[Any]:
    """The edge's route handlers."""
    requests: list[Any] = [
        _log(edge),
        *lists.handlers(edge, _who),
        _mark(edge),
        confirm.handler(edge, _who),
        buttons.handler(edge, _who),
        *company_api.handlers(edge, _who),
    ]
    figures: list[Any] = [*metrics_api.handlers(edge, _who), activity_api.handler(edge, _who)]
    guards, open_guards = [admission.inbox(edge)], [admission.anybody(edge)]
    for request in requests:
        request.guards = guards
    for request in figures:
        request.guards = open_guards
    return [*_connections(edge), *requests, *figures, admission.tickets(edge)]


def _connections(edge: Edge) -> list[Any]:
    @asgi("/v1/socket", copy_scope=False, opt=says(operations.SOCKET))
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        """The frames of a person's log on a WebSocket; the AsyncAPI document describes them."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await Socket(edge, scope, receive, send).run()
        else:
            await problem.respond(
                send,
                426,
                "upgrade required",
                "this is a WebSocket (RFC 6455); for plain HTTP there is /v1/stream",
            )

    @asgi("/v1/stream", copy_scope=False, opt=says(operations.STREAM))
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        """The frames of a person's log as server-sent events; the AsyncAPI document describes them."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await problem.respond(
                send,
                400,
                "bad request",
                "for a WebSocket there is /v1/socket",
                kind="websocket.http",
            )
        elif scope["method"] == "GET":
            await Stream(edge, scope, receive, send).run()
        else:
            await problem.respond(send, 405, "method not allowed", "a stream is read by GET")

    return [socket, stream]


def _log(edge: Edge) -> Any:
    @get("/v1/log", opt=says(operations.LOG))
    async def log(request: AnyRequest, after: CursorParameter = None) -> Response[bytes]:
        """One page of the log after a cursor, or a snapshot without one; 410 if the cursor cannot be replayed, 304 if nothing is new."""
        identity = _who(request)
        try:
            return answer(await _page(edge, identity, after), request.headers.get("if-none-match"))
        except InvalidCursor as error:
            return respond(400, "bad cursor", str(error), field="after")
        except Unreplayable as reason:
            return respond(
                410,
                "gone",
                "the cursor cannot be replayed; start afresh without one",
                reason=str(reason),
            )

    return log


def _mark(edge: Edge) -> Any:
    @post(
        "/v1/notifications/mark",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=says(operations.MARK),
    )
    async def mark(request: AnyRequest) -> Response[bytes]:
        """Mark notifications by ids or up to a cursor; with an `op`, however often it is sent, it happens once."""
        identity = _who(request)
        try:
            operation = _operation(await request.body(), name(request))
            cursor = await edge.mark(identity.person, operation, datetime.now(UTC))
        except InvalidMark as error:
            return respond(409, "conflict", str(error), field="until")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return respond(400, "bad mark", str(error))
        except Unreplayable as reason:
            return respond(
                409,
                "conflict",
                "`up_to` is a cursor of another log, or lies ahead of this one",
                reason=str(reason),
            )
        return json({"op": operation.op, "cursor": str(cursor)})

    return mark


def _who(request: AnyRequest) -> Identity:
    return request.scope["state"][admission.IDENTITY]


async def _page(edge: Edge, identity: Identity, after: str | None) -> Page:
    if after is None:
        return await edge.log.snapshot(identity.person)
    cursor = await edge.log.check(Cursor.parse(after))
    known = await edge.log.inbox(identity.person)
    return await edge.log.page(identity.person, cursor, known)


def _operation(body: bytes, op: str) -> MarkOperation:
    """A mark as JSON, as in the frame, but `type` may be left out and so may `op`."""
    given = msgspec.json.decode(body)
    if not isinstance(given, dict):
        raise ValueError('a mark is a JSON object such as {"state": "read", "ids": ["…"]}')
    return msgspec.convert({"op": op, **given, "type": "mark"}, MarkOperation)
