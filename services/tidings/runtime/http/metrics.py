"""The route of `/metrics` in a process that serves HTTP."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.metrics.metrics import CONTENT_TYPE, Metrics

MEDIA_TYPE = CONTENT_TYPE.removesuffix("; charset=utf-8")
"""Litestar appends the charset of a text."""


def metrics_route(metrics: Metrics) -> HTTPRouteHandler:
    """Return the route of `/metrics`."""

    @get("/metrics", opt=operation_opt(Operation(str, "text/plain")))
    async def read_metrics() -> Response[bytes]:
        """Return the metrics of this process, in the Prometheus text format."""
        return Response(await metrics.exposition(), media_type=MEDIA_TYPE)

    return read_metrics
