"""What the edge's requests take and are answered, for its OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar.params import Parameter
from msgspec import ValidationError, convert
from tidings.contracts.frames import Entries, MarkOperation, Snapshot
from tidings.contracts.http import CountsBy, Listing, Marked, Pressed
from tidings.contracts.ids import Id
from tidings.contracts.notifications import CursorText, Delivered, Moment, Notification
from tidings.contracts.schema import Schema, Schemas
from tidings.runtime.openapi import JSON, Operation
from tidings.runtime.problem import Problem

CURSOR: Schema = {
    "required": False,
    "schema": Schemas().of(CursorText),
    "description": "Where the client stands; absent: begin with a snapshot.",
}
DEVICE: Schema = {
    "name": "device",
    "in": "query",
    "required": False,
    "schema": Schemas().of(Id),
    "description": "What receipts call this device; absent: by the `connection` of the hello.",
}

CursorParameter = Annotated[str | None, Parameter(schema_extra=Schemas().of(CursorText))]

MomentParameter = Annotated[str | None, Parameter(schema_extra=Schemas().of(Moment))]


def moment(name: str, given: str | None) -> datetime | None:
    """The moment that a parameter names; raises Problem."""
    try:
        return convert(given, Moment | None)
    except ValidationError:
        raise Problem(
            400,
            "bad time",
            f"`{name}` is a moment with its zone, such as 2026-01-02T03:04:05Z",
            field=name,
        ) from None


def several(shape: Any) -> Schema:
    """A parameter that may be given more than once."""
    return Schemas().of(list[shape])


def mark_body(schemas: Schemas) -> Schema:
    """The frame `mark`, but `type` and `op` may be left out."""
    frame = schemas.whole(MarkOperation)
    return {**frame, "required": [name for name in frame["required"] if name not in ("type", "op")]}


LOG = Operation(
    Snapshot | Entries,
    scope="inbox",
    problems=(410, 421, 503),
    parameters=(
        {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
    ),
    headers={"ETag": {"type": "string"}, "Cache-Control": {"type": "string"}},
    without_body={304: "Nothing is new."},
)
NOTIFICATIONS = Operation(Listing, scope="inbox", problems=(410, 421, 503))
NOTIFICATION = Operation(Notification, scope="inbox", problems=(404, 421, 503))
COUNTS = Operation(CountsBy, scope="inbox", problems=(421, 503))
MARK = Operation(
    Marked,
    bodies={JSON: mark_body},
    scope="inbox",
    problems=(409, 413, 421, 503),
    example={"state": "read", "ids": ["6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de"]},
)
ACTION = Operation(Pressed, scope="inbox", problems=(404, 409, 413, 421, 503))
ACK = Operation(
    Delivered,
    status=202,
    bodies={JSON: Delivered},
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
    ),
)
SOCKET = Operation(
    None, status=101, parameters=({"name": "cursor", "in": "query", **CURSOR}, DEVICE)
)
