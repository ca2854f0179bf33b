"""The gateway's one request: `POST /v1/events`, in any mode of CloudEvents over HTTP (v1.0.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, post
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.draft import (
    BATCH_LIMIT_BYTES,
    BATCH_LIMIT_MESSAGES,
    EVENT_LIMIT_BYTES,
    Draft,
)
from tidings.contracts.events import OWN
from tidings.contracts.http import Receipt
from tidings.contracts.schema import Schema, Schemas, any_event
from tidings.gateway import intake
from tidings.gateway.intake import Producer, Rejected
from tidings.runtime.access import Access
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import Operation, says
from tidings.runtime.process import Runtime
from tidings.runtime.web import json, respond

AnyRequest = Request[Any, Any, Any]


def one(schemas: Schemas) -> Schema:
    """An event that producers may state."""
    return any_event(schemas, without=OWN)


def batch(schemas: Schemas) -> Schema:
    """Events, all or none."""
    return {"type": "array", "items": one(schemas), "minItems": 1, "maxItems": BATCH_LIMIT_MESSAGES}


def lines(_: Schemas) -> Schema:
    """Events, however many."""
    return {"type": "string", "description": "An event a line."}


EVENTS = Operation(
    Receipt,
    bodies={
        MEDIA_TYPE: one,
        BATCH_MEDIA_TYPE: batch,
        LINES_MEDIA_TYPE: lines,
    },
    scope="emit",
    problems=(413, 415, 503),
    example={
        "specversion": "1.0",
        "id": "42",
        "source": "/my-service",
        "type": "task.assigned",
        "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira"},
    },
)


def handlers(runtime: Runtime, access: Access) -> list[Any]:
    """The gateway's route handlers."""
    appender = runtime.appender()
    partitions, rate = runtime.settings.partitions, access.buckets("event", "events")

    @post("/v1/events", status_code=200, request_max_body_size=None, opt=says(EVENTS))
    async def events(request: AnyRequest) -> Response[bytes]:
        """Append one CloudEvent, a batch (all or none), or JSON lines (streamed, every 1000 lines all or none).

        Binary mode is taken as well: the attributes in `ce-*` headers, the data in a body of `application/json`.
        """
        identity = await access.admit(request.scope, rate, "emit")
        receipt = Receipt()
        try:
            async for drafts in units(request, _producer(identity, partitions)):
                receipt.add(
                    [await appender.append(drafts[0])]
                    if len(drafts) == 1
                    else await appender.append_batch(drafts)
                )
        except Rejected as rejected:
            return _rejected(rejected, receipt)
        return json(receipt)

    return [events]


def _producer(identity: Identity, partitions: int) -> Producer:
    return Producer(identity.person.tenant, partitions, restores="admin" in identity.scopes)


async def units(request: AnyRequest, producer: Producer) -> AsyncIterator[list[Draft]]:
    """The atomic units of a request, checked; raises Rejected."""
    if packed := request.headers.get("content-encoding"):
        raise Rejected(
            0, "content-encoding", f"`{packed}` is not taken; send the body as it is", 415
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == LINES_MEDIA_TYPE:
        async for unit in _lines(request, producer):
            yield unit
    elif media_type == BATCH_MEDIA_TYPE:
        yield _limited(intake.batch(await _body(request, BATCH_LIMIT_BYTES), producer))
    elif media_type == MEDIA_TYPE:
        yield [intake.draft(await _body(request, EVENT_LIMIT_BYTES), producer, 1)]
    elif request.headers.get("ce-specversion") and media_type in intake.BINARY_MEDIA_TYPES:
        yield [
            intake.draft(
                intake.binary(request.headers, await _body(request, EVENT_LIMIT_BYTES)), producer, 1
            )
        ]
    else:
        known = f"{MEDIA_TYPE}, {BATCH_MEDIA_TYPE}, {LINES_MEDIA_TYPE}, or ce-* headers with application/json"
        raise Rejected(0, "content-type", f"`{media_type}` is not one of {known}", 415)


async def _lines(request: AnyRequest, producer: Producer) -> AsyncIterator[list[Draft]]:
    unit: list[Draft] = []
    number, rest = 0, b""
    async for chunk in request.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > EVENT_LIMIT_BYTES:
            raise Rejected(
                number + len(lines) + 1, "", f"a line has at most {EVENT_LIMIT_BYTES} bytes", 413
            )
        for line in lines:
            number += 1
            if line.strip():
                unit.append(intake.draft(line.strip(), producer, number))
            if len(unit) == BATCH_LIMIT_MESSAGES:
                yield unit
                unit = []
    if rest.strip():
        unit.append(intake.draft(rest.strip(), producer, number + 1))
    if unit:
        yield unit


async def _body(request: AnyRequest, limit: int) -> bytes:
    parts, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Rejected(
                0,
                "",
                f"the body has more than {limit} bytes; send JSON lines ({LINES_MEDIA_TYPE}) for more",
                413,
            )
        parts.append(chunk)
    return b"".join(parts)


def _limited(drafts: list[Draft]) -> list[Draft]:
    if not 1 <= len(drafts) <= BATCH_LIMIT_MESSAGES:
        raise Rejected(
            0,
            "",
            f"a batch has 1 to {BATCH_LIMIT_MESSAGES} events, this one {len(drafts)}; send JSON lines for more",
            413 if drafts else 400,
        )
    return drafts


def _rejected(rejected: Rejected, receipt: Receipt) -> Response[bytes]:
    where = {"line": rejected.line} if rejected.line else {}
    field = {"field": rejected.field} if rejected.field else {}
    return respond(
        rejected.status, "event rejected", rejected.reason, **where, **field, stored=receipt
    )
