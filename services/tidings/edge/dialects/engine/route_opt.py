"""The options of a dialect's routes: their documentation, and the dialect they are of."""

from __future__ import annotations

from typing import Any

from tidings.edge.http.openapi import STREAM
from tidings.runtime.http.idempotency.middleware import DIALECT_OPT
from tidings.runtime.http.openapi import JSON, Operation, operation_opt


def dialect_opt(
    dialect: str, *, scope: str = "inbox", body: Any = None, status: int = 200
) -> dict[str, Any]:
    """Return the `opt` of a route; the sender of its keyed requests gets the dialect's defaults.

    `body` is the type of the request's body.
    """
    return {**shared_opt(dialect, scope=scope, body=body, status=status), DIALECT_OPT: dialect}


def shared_opt(
    dialect: str, *, scope: str | None = "inbox", body: Any = None, status: int = 200
) -> dict[str, Any]:
    """Return the `opt` of a route that several dialects share; `dialect` is their common name."""
    bodies = {JSON: body} if body else {}
    return operation_opt(
        Operation(
            Any, status=status, bodies=bodies, scope=scope, problems=(404, 421), dialect=dialect
        )
    )


def socket_opt(dialect: str) -> dict[str, Any]:
    """Return the `opt` of a dialect's WebSocket."""
    return operation_opt(Operation(status=101, scope="inbox", problems=(421, 426), dialect=dialect))


def stream_opt(dialect: str) -> dict[str, Any]:
    """Return the `opt` of a dialect's event stream."""
    return operation_opt(STREAM._replace(dialect=dialect))
