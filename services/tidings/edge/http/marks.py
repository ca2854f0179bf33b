"""The route that marks notifications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, post
from tidings.contracts.frames import InvalidMark, MarkOperation
from tidings.edge.delivery.log_reader import Unreplayable
from tidings.edge.delivery.marks import Marks
from tidings.edge.http import openapi
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.idempotency.middleware import request_name
from tidings.runtime.http.openapi import operation_opt
from tidings.runtime.http.web import json_response, problem_response

BODY_LIMIT_BYTES = 64 * 1024


def handler(marks: Marks, guard: Guard) -> Any:
    """Return the route handler of marks."""

    @post(
        "/v1/notifications/mark",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(openapi.MARK),
    )
    async def mark(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Mark notifications by ids, up to a cursor, or by filter.

        Repeating a request with the same `op` has no further effect.
        """
        try:
            operation = _parse_operation(await request.body(), request_name(request))
            cursor = await marks.append_mark(
                identity_of(request).person, operation, datetime.now(UTC)
            )
        except InvalidMark as error:
            return problem_response(409, "conflict", str(error), field="until")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return problem_response(400, "bad mark", str(error))
        except Unreplayable as reason:
            return problem_response(
                409,
                "conflict",
                "`up_to` belongs to another log, or is ahead of this one",
                reason=str(reason),
            )
        return json_response({"op": operation.op, "cursor": str(cursor)})

    return mark


def _parse_operation(body: bytes, op: str) -> MarkOperation:
    """Parse a mark from JSON like the `mark` frame, but with `type` and `op` optional.

    Raises msgspec.DecodeError or ValueError.
    """
    fields = msgspec.json.decode(body)
    if not isinstance(fields, dict):
        raise ValueError('a mark is a JSON object such as {"state": "read", "ids": ["…"]}')
    return msgspec.convert({"op": op, **fields, "type": "mark"}, MarkOperation)
