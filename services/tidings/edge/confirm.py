"""Confirm: the request by which a device says what it has, for those that cannot say it on their connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, post
from tidings.contracts.codec import decode_delivered
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.notifications import Delivered
from tidings.edge import operations
from tidings.edge.edge import Edge
from tidings.edge.log import Unreplayable
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import says
from tidings.runtime.problem import Problem
from tidings.runtime.web import json

BODY_LIMIT_BYTES = 4096
AnyRequest = Request[Any, Any, Any]


def handler(edge: Edge, who: Callable[[AnyRequest], Identity]) -> Any:
    """The route handler of acks."""

    @post(
        "/v1/acks",
        status_code=202,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=says(operations.ACK),
    )
    async def ack(request: AnyRequest) -> Response[bytes]:
        """A device has everything up to a cursor; written down within seconds, of each device only the newest."""
        person, receipt = who(request).person, _receipt(await request.body())
        edge.ack(person, receipt.device, await _cursor(edge, receipt.cursor))
        return json(receipt, 202)

    return ack


def _receipt(body: bytes) -> Delivered:
    try:
        return decode_delivered(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem(400, "bad ack", str(error)) from None


async def _cursor(edge: Edge, text: str) -> Cursor:
    try:
        cursor = await edge.log.check(Cursor.parse(text))
    except InvalidCursor as error:
        raise Problem(400, "bad cursor", str(error), field="cursor") from None
    except Unreplayable as reason:
        raise Problem(
            409,
            "conflict",
            "this is a cursor of another log, or lies ahead of this one",
            reason=str(reason),
        ) from None
    if cursor.until:
        raise Problem(
            409,
            "conflict",
            "in the middle of a replay nothing is complete yet; take the cursor at its end",
            field="cursor",
        )
    return cursor
