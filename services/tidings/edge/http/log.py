"""The route that reads a user's log without a connection, page by page."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.subjects import Person
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.log_reader import LogReader, Unreplayable
from tidings.edge.http import openapi
from tidings.edge.http.etag import frame_response
from tidings.edge.http.openapi import CursorParameter
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import operation_opt
from tidings.runtime.http.web import problem_response


def handler(reader: LogReader, guard: Guard) -> Any:
    """Return the route handler of the log."""

    @get("/v1/log", guards=[guard], opt=operation_opt(openapi.LOG))
    async def log(
        request: Request[Any, Any, Any], after: CursorParameter = None
    ) -> Response[bytes]:
        """Read one page of the log after a cursor, or a snapshot without a cursor.

        410 if the cursor cannot be replayed; 304 if nothing has changed.
        """
        try:
            frame = await _read_frame(reader, identity_of(request).person, after)
        except InvalidCursor as error:
            return problem_response(400, "bad cursor", str(error), field="after")
        except Unreplayable as reason:
            return problem_response(
                410,
                "gone",
                "the cursor cannot be replayed; start again without one",
                reason=str(reason),
            )
        return frame_response(frame, request.headers.get("if-none-match"))

    return log


async def _read_frame(reader: LogReader, person: Person, after: str | None) -> EncodedFrame:
    if after is None:
        return await reader.snapshot_frame(person)
    cursor = await reader.check_cursor(Cursor.parse(after), person)
    state, frame = await reader.read_inbox_after(person, cursor)
    return frame or await reader.next_frame(person, cursor, state)
