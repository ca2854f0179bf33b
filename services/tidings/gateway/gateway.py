"""The gateway's only request: `POST /v1/events`, in any mode of CloudEvents over HTTP 1.0.2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, post
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.documents.schema import Schema, Schemas, any_event_schema
from tidings.contracts.http_bodies.results import Receipt
from tidings.contracts.messages import (
    BATCH_LIMIT_BYTES,
    BATCH_LIMIT_MESSAGES,
    EVENT_LIMIT_BYTES,
    NewMessage,
)
from tidings.contracts.subjects import Subjects
from tidings.domains import RESERVED_EVENTS
from tidings.gateway import intake
from tidings.gateway.intake import IntakeError, Producer
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.web import json_response, problem_response
from tidings.runtime.process import Runtime

AnyRequest = Request[Any, Any, Any]


def event_schema(schemas: Schemas) -> Schema:
    """An event that producers may emit."""
    return any_event_schema(schemas, without=RESERVED_EVENTS)


def batch_schema(schemas: Schemas) -> Schema:
    """A batch of events, all or none."""
    return {
        "type": "array",
        "items": event_schema(schemas),
        "minItems": 1,
        "maxItems": BATCH_LIMIT_MESSAGES,
    }


def lines_schema(_: Schemas) -> Schema:
    """Any number of events."""
    return {"type": "string", "description": "An event a line."}


APPEND_EVENTS = Operation(
    Receipt,
    bodies={
        MEDIA_TYPE: event_schema,
        BATCH_MEDIA_TYPE: batch_schema,
        LINES_MEDIA_TYPE: lines_schema,
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
    """Return the gateway's route handlers."""
    appender = runtime.appender()
    subjects, rate = runtime.settings.subjects, access.shared_buckets("event")

    @post(
        "/v1/events", status_code=200, request_max_body_size=None, opt=operation_opt(APPEND_EVENTS)
    )
    async def events(request: AnyRequest) -> Response[bytes]:
        """Append one CloudEvent, a batch (all or none), or JSON lines (each 1000 all or none).

        Binary mode works too: attributes in `ce-*` headers, data in an `application/json` body.
        """
        identity = await access.authorize_request(request.scope, rate, "emit")
        receipt = Receipt()
        try:
            async for drafts in atomic_units(request, _producer(identity, subjects)):
                receipt.add_results(
                    [await appender.append(drafts[0])]
                    if len(drafts) == 1
                    else await appender.append_batch(drafts)
                )
        except IntakeError as rejected:
            return _rejection_response(rejected, receipt)
        return json_response(receipt)

    return [events]


def _producer(identity: Identity, subjects: Subjects) -> Producer:
    return Producer(identity.person.tenant, subjects, may_restore="admin" in identity.scopes)


async def atomic_units(request: AnyRequest, producer: Producer) -> AsyncIterator[list[NewMessage]]:
    """Yield the checked atomic units of a request; raises Rejected."""
    if packed := request.headers.get("content-encoding"):
        raise IntakeError(
            0, "content-encoding", f"`{packed}` is not taken; send the body as it is", 415
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == LINES_MEDIA_TYPE:
        async for unit in _lines(request, producer):
            yield unit
    elif media_type == BATCH_MEDIA_TYPE:
        yield _check_batch_size(
            intake.prepare_batch(await _body(request, BATCH_LIMIT_BYTES), producer)
        )
    elif media_type == MEDIA_TYPE:
        yield [intake.prepare_event(await _body(request, EVENT_LIMIT_BYTES), producer, 1)]
    elif request.headers.get("ce-specversion") and media_type in intake.BINARY_MEDIA_TYPES:
        yield [
            intake.prepare_event(
                intake.structure_binary(request.headers, await _body(request, EVENT_LIMIT_BYTES)),
                producer,
                1,
            )
        ]
    else:
        media_types = (
            f"{MEDIA_TYPE}, {BATCH_MEDIA_TYPE}, {LINES_MEDIA_TYPE},"
            " or ce-* headers with application/json"
        )
        raise IntakeError(0, "content-type", f"`{media_type}` is not one of {media_types}", 415)


async def _lines(request: AnyRequest, producer: Producer) -> AsyncIterator[list[NewMessage]]:
    unit: list[NewMessage] = []
    number, rest = 0, b""
    async for chunk in request.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > EVENT_LIMIT_BYTES:
            raise IntakeError(
                number + len(lines) + 1, "", f"a line has at most {EVENT_LIMIT_BYTES} bytes", 413
            )
        for line in lines:
            number += 1
            if line.strip():
                unit.append(intake.prepare_event(line.strip(), producer, number))
            if len(unit) == BATCH_LIMIT_MESSAGES:
                yield unit
                unit = []
    if rest.strip():
        unit.append(intake.prepare_event(rest.strip(), producer, number + 1))
    if unit:
        yield unit


async def _body(request: AnyRequest, limit: int) -> bytes:
    parts, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise IntakeError(
                0,
                "",
                f"the body has more than {limit} bytes;"
                f" send JSON lines ({LINES_MEDIA_TYPE}) for more",
                413,
            )
        parts.append(chunk)
    return b"".join(parts)


def _check_batch_size(drafts: list[NewMessage]) -> list[NewMessage]:
    if not 1 <= len(drafts) <= BATCH_LIMIT_MESSAGES:
        raise IntakeError(
            0,
            "",
            f"a batch has 1 to {BATCH_LIMIT_MESSAGES} events, this one {len(drafts)};"
            " send JSON lines for more",
            413 if drafts else 400,
        )
    return drafts


def _rejection_response(rejected: IntakeError, receipt: Receipt) -> Response[bytes]:
    where = {"line": rejected.line} if rejected.line else {}
    field = {"field": rejected.field} if rejected.field else {}
    return problem_response(
        rejected.status, "event rejected", rejected.reason, **where, **field, stored=receipt
    )
