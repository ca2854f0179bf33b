"""The gateway's only request: `POST /v1/events`, in any mode of CloudEvents over HTTP 1.0.2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Protocol

from litestar import Request, Response, post
from litestar.params import Parameter
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.documents.schema import Schema, Schemas, any_event_schema
from tidings.contracts.http_bodies.results import Receipt
from tidings.contracts.messages import (
    BATCH_LIMIT_BYTES,
    BATCH_LIMIT_MESSAGES,
    EVENT_LIMIT_BYTES,
    NewMessage,
)
from tidings.domains import RESERVED_EVENTS
from tidings.gateway import intake
from tidings.gateway.gateway_metrics import GatewayMetrics
from tidings.gateway.intake import IntakeError, Producer
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import MissingClaims
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.rate import RateExceeded
from tidings.runtime.http.web import json_response, problem_response, rate_response
from tidings.runtime.log.conflicts import ID_IN_USE, conflicting_places
from tidings.runtime.process import Runtime

RESTORE = (
    "Whether the events restore a log: they need not fulfil what new events must, and may be those"
    " that only Tidings itself states. Needs the scopes `emit` and `admin` together."
)

AnyRequest = Request[Any, Any, Any]


class Charge(Protocol):
    """Charges the sender's tenant; raises RateExceeded."""

    def __call__(self, *, events: int = 0, size: int = 0) -> None:
        """Charge events, or bytes of a body."""


def event_schema(schemas: Schemas) -> Schema:
    """An event that producers may emit."""
    return any_event_schema(schemas, without=RESERVED_EVENTS)


def batch_schema(schemas: Schemas) -> Schema:
    """A batch of events, all or none."""
    return {
        "type": "array",
        "items": event_schema(schemas),
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
    problems=(409, 413, 415, 503),
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
    appender, metrics = runtime.appender(), runtime.metrics.part(GatewayMetrics)
    subjects, rate = runtime.settings.subjects, access.shared_buckets("event")
    link_hosts = runtime.settings.linkable_hosts

    @post(
        "/v1/events", status_code=200, request_max_body_size=None, opt=operation_opt(APPEND_EVENTS)
    )
    async def events(
        request: AnyRequest, restore: Annotated[bool, Parameter(description=RESTORE)] = False
    ) -> Response[bytes]:
        """Append one CloudEvent, a batch (all or none), or JSON lines (each 1000 all or none).

        Binary mode works too: attributes in `ce-*` headers, data in a body of JSON.
        """
        identity, rights = await access.authorize_producer(request.scope, rate)
        if restore and not rights.everything:
            raise MissingClaims("restoring a log needs the scopes `emit` and `admin` together")
        producer = Producer(
            identity.person.tenant,
            subjects,
            rights.permits,
            link_hosts,
            restore,
        )
        charge = partial(access.charge_tenant, request.scope, producer.tenant)
        receipt = Receipt()
        try:
            async for drafts in atomic_units(request, producer, charge):
                charge(events=len(drafts) - 1)
                with metrics.publish_seconds.time():
                    results = (
                        [await appender.append(drafts[0])]
                        if len(drafts) == 1
                        else await appender.append_batch(drafts)
                    )
                conflicts = await conflicting_places(runtime.jetstream, drafts, results)
                first = receipt.events + 1
                metrics.record_results(results)
                receipt.add_results(results)
                if conflicts:
                    raise IntakeError(first + conflicts[0], "id", ID_IN_USE, 409)
        except IntakeError as rejected:
            metrics.refused.inc()
            return _rejection_response(rejected, receipt)
        except RateExceeded as exceeded:
            return rate_response(exceeded, stored=receipt)
        return json_response(receipt)

    return [events]


async def atomic_units(
    request: AnyRequest, producer: Producer, charge: Charge
) -> AsyncIterator[list[NewMessage]]:
    """Yield the checked atomic units of a request; raises IntakeError, or what `charge` raises."""
    if packed := request.headers.get("content-encoding"):
        raise IntakeError(
            0, "content-encoding", f"`{packed}` is not taken; send the body as it is", 415
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == LINES_MEDIA_TYPE:
        async for unit in _lines(request, producer, charge):
            yield unit
    elif media_type == BATCH_MEDIA_TYPE:
        drafts = intake.prepare_batch(await _body(request, BATCH_LIMIT_BYTES, charge), producer)
        if drafts:
            yield drafts
    elif media_type == MEDIA_TYPE:
        yield [intake.prepare_event(await _body(request, EVENT_LIMIT_BYTES, charge), producer, 1)]
    elif intake.is_binary(request.headers):
        yield [
            intake.prepare_event(
                intake.structure_binary(
                    request.headers, await _body(request, EVENT_LIMIT_BYTES, charge)
                ),
                producer,
                1,
            )
        ]
    else:
        media_types = (
            f"{MEDIA_TYPE}, {BATCH_MEDIA_TYPE}, {LINES_MEDIA_TYPE},"
            " or ce-* headers with a media type of JSON"
        )
        raise IntakeError(0, "content-type", f"`{media_type}` is not one of {media_types}", 415)


async def _lines(
    request: AnyRequest, producer: Producer, charge: Charge
) -> AsyncIterator[list[NewMessage]]:
    """Yield the lines in units that are bounded in events and in bytes."""
    unit, unit_bytes = list[NewMessage](), 0
    async for number, line in _numbered_lines(request, charge):
        unit.append(intake.prepare_event(line, producer, number))
        unit_bytes += len(line)
        if len(unit) == BATCH_LIMIT_MESSAGES or unit_bytes + EVENT_LIMIT_BYTES > BATCH_LIMIT_BYTES:
            yield unit
            unit, unit_bytes = [], 0
    if unit:
        yield unit


async def _numbered_lines(request: AnyRequest, charge: Charge) -> AsyncIterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number from 1."""
    number, rest = 0, bytearray()
    async for chunk in request.stream():
        charge(size=len(chunk))
        rest += chunk
        lines = list[bytes]()
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
        if len(rest) > EVENT_LIMIT_BYTES:
            raise IntakeError(
                number + len(lines) + 1, "", f"a line has at most {EVENT_LIMIT_BYTES} bytes", 413
            )
        for line in lines:
            number += 1
            if stripped := line.strip():
                yield number, stripped
    if stripped := bytes(rest).strip():
        yield number + 1, stripped


async def _body(request: AnyRequest, limit: int, charge: Charge) -> bytes:
    parts, size = list[bytes](), 0
    async for chunk in request.stream():
        charge(size=len(chunk))
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


def _rejection_response(rejected: IntakeError, receipt: Receipt) -> Response[bytes]:
    where = {"line": rejected.line} if rejected.line else {}
    field = {"field": rejected.field} if rejected.field else {}
    return problem_response(
        rejected.status, "event rejected", rejected.reason, **where, **field, stored=receipt
    )
