"""OPTIONS of paths that several handlers share (RFC 9110, section 9.3.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT


def options_handlers(handlers: Iterable[Any]) -> list[HTTPRouteHandler]:
    """Return a handler for each path that several handlers share; register them before the others.

    The framework's own would name the methods of the handler that was registered first.
    """
    shared: dict[str, list[HTTPRouteHandler]] = defaultdict(list)
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler):
            for path in handler.paths:
                shared[path].append(handler)
    return [
        _options_handler(path, {method for each in found for method in _methods(each)})
        for path, found in shared.items()
        if len(found) > 1
    ]


def _options_handler(path: str, methods: set[str]) -> HTTPRouteHandler:
    allowed = ", ".join(sorted(methods))

    def options() -> Response[None]:
        """Name the methods of the path."""
        return Response(None, status_code=204, headers={"Allow": allowed})

    declared = HTTPRouteHandler(
        path, http_method=[HttpMethod.OPTIONS], sync_to_thread=False, opt=UNDOCUMENTED_OPT
    )
    return declared(options)


def _methods(handler: HTTPRouteHandler) -> Iterator[str]:
    yield from map(str, handler.http_methods)
    yield "OPTIONS"
    if "GET" in handler.http_methods:
        yield "HEAD"
