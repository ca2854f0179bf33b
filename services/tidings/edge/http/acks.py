"""The route that acknowledges what a device has, for devices that cannot send an `ack` frame."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, post
from tidings.contracts.codec import decode_delivery_receipt
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.notifications import DeliveryReceipt
from tidings.contracts.subjects import Person
from tidings.edge.delivery.ack_writer import AckWriter
from tidings.edge.delivery.log_reader import LogReader, Unreplayable
from tidings.edge.http import openapi
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

BODY_LIMIT_BYTES = 4096
AnyRequest = Request[Any, Any, Any]


def handler(log: LogReader, acks: AckWriter, guard: Guard) -> Any:
    """Return the route handler of acks."""

    @post(
        "/v1/acks",
        status_code=202,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(openapi.ACK),
    )
    async def ack(request: AnyRequest) -> Response[bytes]:
        """Acknowledge that a device has everything up to a cursor.

        The newest cursor of each device is stored within seconds.
        """
        receipt = _parse_receipt(await request.body())
        person = identity_of(request).person
        cursor = await _check_cursor(log, receipt.cursor, person)
        acks.record_ack(person, receipt.device, cursor)
        return json_response(receipt, 202)

    return ack


def _parse_receipt(body: bytes) -> DeliveryReceipt:
    try:
        return decode_delivery_receipt(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem(400, "bad ack", str(error)) from None


async def _check_cursor(log: LogReader, text: str, person: Person) -> Cursor:
    try:
        cursor = await log.check_cursor(Cursor.parse(text), person)
    except InvalidCursor as error:
        raise Problem(400, "bad cursor", str(error), field="cursor") from None
    except Unreplayable as reason:
        raise Problem(
            409,
            "conflict",
            "the cursor belongs to another log, or is ahead of this one",
            reason=str(reason),
        ) from None
    if cursor.until:
        raise Problem(
            409,
            "conflict",
            "this cursor is in the middle of a replay; acknowledge the one at its end",
            field="cursor",
        )
    return cursor
