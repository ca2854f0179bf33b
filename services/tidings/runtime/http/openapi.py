"""OpenAPI: what a route says of itself beside its handler's signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidings.contracts.documents.schema import Schema

JSON = "application/json"
OPERATION = "operation"
"""The key of a route's operation in its `opt`."""


class Operation(NamedTuple):
    """Documentation of a route beside its handler's signature; shapes are types of the contracts.

    A body is a shape by media type, or a function that makes its schema; `parameters` are those
    that the signature lacks; `headers` belong to the answer; `without_body` describes the statuses
    that are answered without a body. `dialect` names the product whose front end sends the request.
    """

    answer: Any = None
    media_type: str = JSON
    status: int = 200
    bodies: Mapping[str, Any] = {}
    scope: str | None = None
    problems: Sequence[int] = ()
    parameters: Sequence[Schema] = ()
    headers: Mapping[str, Schema] = {}
    without_body: Mapping[int, str] = {}
    example: Any = None
    dialect: str | None = None


def operation_opt(operation: Operation) -> dict[str, Any]:
    """Return the `opt` of a handler with this documentation."""
    return {OPERATION: operation}


UNDOCUMENTED_OPT: dict[str, Any] = {OPERATION: None}
"""The `opt` of a handler that the documents omit."""
