"""Queries: the parameters of a product's request; unknown ones are ignored, as by its server."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import Request
from tidings.runtime.http.problem import Problem

Parameters = TypeVar("Parameters", bound=msgspec.Struct)


def parse_query(request: Request[Any, Any, Any], kind: type[Parameters]) -> Parameters:
    """Return the query of a request as `kind`; raises Problem if a value does not fit.

    Values are text: `true` and `1` are booleans. The last value of a repeated parameter counts.
    """
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, "bad request", f"the query is not valid: {error}") from None
