"""The route of previews: who would be told of an event, where, when and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from litestar import Response, post
from tidings.channels.http.requests import BODY_LIMIT_BYTES, AnyRequest, parse_body
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.http_bodies.previews import Preview, PreviewRequest
from tidings.contracts.notifications import Moment
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.errors import Permanent
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

PREVIEW = Operation(
    Preview,
    bodies={JSON: PreviewRequest},
    scope=ADMIN,
    problems=(400, 413, 422, 503),
    example={
        "event": {
            "specversion": "1.0",
            "id": "42",
            "source": "/my-service",
            "type": "task.assigned",
            "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira"},
        },
        "at": "2026-12-01T23:00:00Z",
    },
)


class EventPreviewer(Protocol):
    """Previews events; the composition makes it of the notifier and the channels."""

    async def preview(
        self, event: bytes, tenant: str, at: Moment | None = None, user: str | None = None
    ) -> Preview:
        """Return who would be told of a CloudEvent; raises InvalidEvent or Permanent."""
        ...


def handler(open_previewer: Callable[[], EventPreviewer], guard: Guard) -> Any:
    """Return the route handler of previews; it opens the previewer with the first request."""

    @post(
        "/v1/preview",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(PREVIEW),
    )
    async def preview_event(request: AnyRequest) -> Response[bytes]:
        """Tell who would be told of an event, where, when and why; nothing is sent or appended.

        Up to 100 notifications are shown, each with its mail in the locale of its reader.
        """
        tenant = identity_of(request).person.tenant
        body: PreviewRequest = await parse_body(request, PreviewRequest)
        try:
            found = await open_previewer().preview(bytes(body.event), tenant, body.at, body.user)
        except InvalidEvent as error:
            field = f"event.{error.field}" if error.field else "event"
            raise Problem(422, "unprocessable", error.reason, field=field) from None
        except Permanent as error:
            raise Problem(422, "unprocessable", str(error)) from None
        return json_response(found)

    return preview_event
