"""The plain requests of the edge: lists, counts, marks and the log without a connection."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, asgi, get, post
from litestar.params import Parameter
from litestar.types import Receive, Scope, Send

from contracts.cursor import Cursor, InvalidCursor
from contracts.frames import MarkOperation
from contracts.notifications import Counts
from services.edge.edge import Edge
from services.edge.log import Unreplayable
from services.edge.socket import Socket
from services.edge.stream import Stream
from services.runtime.auth import Identity, bearer
from services.runtime.idempotent import name
from services.runtime.web import json, respond

LIST_LIMIT = 100
BODY_LIMIT_BYTES = 64 * 1024
ListName = Literal["all", "unread", "unseen", "archived", "snoozed"]
AnyRequest = Request[Any, Any, Any]


def handlers(edge: Edge) -> list[Any]:
    """The edge's route handlers."""
    return [*_connections(edge), *_reads(edge), _mark(edge)]


def _connections(edge: Edge) -> list[Any]:
    @asgi("/v1/socket", copy_scope=False)
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        await Socket(edge, scope, receive, send).run()

    @asgi("/v1/stream", copy_scope=False)
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await Stream(edge, scope, receive, send).run()

    return [socket, stream]


def _reads(edge: Edge) -> list[Any]:
    @get("/v1/log")
    async def log(request: AnyRequest, after: str | None = None) -> Response[bytes]:
        """One page of the log after a cursor, or a snapshot without one; 410 if the cursor cannot be replayed."""
        identity = _who(edge, request)
        try:
            return json(await _page(edge, identity, after))
        except InvalidCursor as error:
            return respond(400, "bad cursor", str(error), field="after")
        except Unreplayable as reason:
            return respond(410, "gone", "the cursor cannot be replayed; start afresh without one", reason=str(reason))

    @get("/v1/notifications")
    async def notifications(
        request: AnyRequest,
        shown: Annotated[ListName, Parameter(query="state")] = "all",
        limit: Annotated[int, Parameter(ge=1, le=LIST_LIMIT)] = 50,
        before: str | None = None,
    ) -> Response[bytes]:
        """A person's notifications, newest log entry first, in pages; `next` is the `before` of the following page."""
        identity = _who(edge, request)
        try:
            last = (await edge.log.check(Cursor.parse(before))).sequence if before else None
        except (InvalidCursor, Unreplayable) as error:
            return respond(400, "bad cursor", str(error), field="before")
        return json(await edge.log.listing(identity.person, shown, limit, last))

    @get("/v1/counts")
    async def counts(request: AnyRequest) -> Response[bytes]:
        """How many notifications a person has."""
        return json(await _counts(edge, _who(edge, request)))

    return [log, notifications, counts]


def _mark(edge: Edge) -> Any:
    @post("/v1/notifications/mark", status_code=200, request_max_body_size=BODY_LIMIT_BYTES)
    async def mark(request: AnyRequest) -> Response[bytes]:
        """Mark notifications by ids or up to a cursor; with an `op`, however often it is sent, it happens once."""
        identity = _who(edge, request)
        try:
            operation = _operation(await request.body(), name(request))
            cursor = await edge.mark(identity.person, operation, datetime.now(UTC))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return respond(400, "bad mark", str(error))
        except Unreplayable as reason:
            return respond(409, "conflict", "`up_to` is a cursor of another log", reason=str(reason))
        return json({"op": operation.op, "cursor": str(cursor)})

    return mark


def _who(edge: Edge, request: AnyRequest) -> Identity:
    return edge.identify(bearer(request.headers.get("authorization")))


async def _page(edge: Edge, identity: Identity, after: str | None) -> bytes:
    if after is None:
        return (await edge.log.snapshot(identity.person)).body
    cursor = await edge.log.check(Cursor.parse(after))
    known = await edge.log.inbox(identity.person)
    return (await edge.log.page(identity.person, cursor, known)).body


async def _counts(edge: Edge, identity: Identity) -> Counts:
    return (await edge.log.inbox(identity.person)).counts(time.time())


def _operation(body: bytes, op: str) -> MarkOperation:
    """A mark as JSON, as in the frame, but `type` may be left out and so may `op`."""
    given = msgspec.json.decode(body)
    if not isinstance(given, dict):
        raise ValueError('a mark is a JSON object such as {"state": "read", "ids": ["…"]}')
    return msgspec.convert({"op": op, **given, "type": "mark"}, MarkOperation)
