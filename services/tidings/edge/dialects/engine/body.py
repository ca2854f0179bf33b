"""Bodies: the JSON of a product's request; unknown fields are ignored, as by its server."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import Request
from tidings.runtime.http.problem import Problem

Body = TypeVar("Body", bound=msgspec.Struct)


async def parse_body(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    """Return the body of a request as `kind`; raises Problem if it does not fit."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem(400, "bad request", f"the body is not valid: {error}") from None
