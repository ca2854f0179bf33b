"""Requests and responses of the edge, for its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from litestar.params import Parameter
from msgspec import Struct, ValidationError, convert
from tidings.contracts.documents.schema import Schema, Schemas
from tidings.contracts.frames import CountsMode, Entries, MarkOperation, Snapshot
from tidings.contracts.http_bodies.results import ActionResult, CountsBy, Listing, MarkResult
from tidings.contracts.ids import Id
from tidings.contracts.notifications import CursorText, DeliveryReceipt, Moment, Notification
from tidings.runtime.http.openapi import JSON, Operation
from tidings.runtime.http.problem import Problem

CURSOR: Schema = {
    "required": False,
    "schema": Schemas().schema_of(CursorText),
    "description": "The client's cursor; without it, a snapshot comes first.",
}
DEVICE: Schema = {
    "name": "device",
    "in": "query",
    "required": False,
    "schema": Schemas().schema_of(Id),
    "description": "Name of this device in receipts; default: the `connection` of `hello`.",
}
COUNTS_MODE: Schema = {
    "name": "counts",
    "in": "query",
    "required": False,
    "schema": Schemas().schema_of(CountsMode),
    "description": "`delta`: the client adds `counts_delta` to the counts that it has.",
}

CursorParameter = Annotated[str | None, Parameter(schema_extra=Schemas().schema_of(CursorText))]

MomentParameter = Annotated[str | None, Parameter(schema_extra=Schemas().schema_of(Moment))]


def parse_moment(name: str, text: str | None) -> datetime | None:
    """Return the time that a parameter gives; raises Problem."""
    try:
        return convert(text, Moment | None)
    except ValidationError:
        raise Problem(
            400,
            "bad time",
            f"`{name}` must be a time with its zone, such as 2026-01-02T03:04:05Z",
            field=name,
        ) from None


def repeated_parameter(shape: Any) -> Schema:
    """Return the schema of a parameter that may be repeated."""
    return Schemas().schema_of(list[shape])


def frame_body(frame: type[Struct], *optional: str) -> Callable[[Schemas], Schema]:
    """Return what makes the schema of a frame as a body, where its `type` need not be stated.

    `optional` fields need not be stated either.
    """

    def body(schemas: Schemas) -> Schema:
        schema = schemas.struct_schema(frame)
        required = [name for name in schema["required"] if name not in ("type", *optional)]
        return {**schema, "required": required}

    return body


LOG = Operation(
    Snapshot | Entries,
    scope="inbox",
    problems=(410, 421, 503),
    parameters=(
        {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
    ),
    headers={"ETag": {"type": "string"}, "Cache-Control": {"type": "string"}},
    without_body={304: "Nothing has changed."},
)
NOTIFICATIONS = Operation(Listing, scope="inbox", problems=(410, 421, 503))
NOTIFICATION = Operation(Notification, scope="inbox", problems=(404, 421, 503))
COUNTS = Operation(CountsBy, scope="inbox", problems=(421, 503))
MARK = Operation(
    MarkResult,
    bodies={JSON: frame_body(MarkOperation, "op")},
    scope="inbox",
    problems=(409, 413, 421, 503),
    example={"state": "read", "ids": ["6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de"]},
)
ACTION = Operation(ActionResult, scope="inbox", problems=(404, 409, 413, 421, 503))
ACK = Operation(
    DeliveryReceipt,
    status=202,
    bodies={JSON: DeliveryReceipt},
    scope="inbox",
    problems=(409, 413, 421, 503),
    example={"device": "phone", "cursor": "0123abcd-97"},
)
STREAM = Operation(
    str,
    media_type="text/event-stream",
    scope="inbox",
    problems=(421,),
    parameters=(
        {"name": "cursor", "in": "query", **CURSOR},
        {"name": "Last-Event-ID", "in": "header", **CURSOR},
        DEVICE,
        COUNTS_MODE,
    ),
)
SOCKET = Operation(
    None, status=101, parameters=({"name": "cursor", "in": "query", **CURSOR}, DEVICE, COUNTS_MODE)
)
