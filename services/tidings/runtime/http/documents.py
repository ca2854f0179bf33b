"""The documents of an application: OpenAPI, AsyncAPI, and the page that shows them at `/schema`.

Each is made once, at its first request and in a thread, and is constant from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from threading import Lock
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import BaseRouteHandler
from tidings.contracts.documents.asyncapi import DEFAULT_EDGE, asyncapi_document
from tidings.runtime.http import problem
from tidings.runtime.http.document_page import STYLES, render_page
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT, Operation, operation_opt
from tidings.runtime.http.openapi_document import (
    Description,
    openapi_document,
    signature_paths,
)
from tidings.runtime.http.static_file import PAGE_POLICY, StaticFile

ASYNCAPI = "/asyncapi.json"
OPENAPI = "/schema/openapi.json"
DIALECTS = "/schema/dialects.json"
STYLESHEET = StaticFile.from_content("text/css", STYLES)
PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
CANONICAL = Description(
    "Tidings",
    f"""Facts in, each person's durable log out.

`{ASYNCAPI}` describes what goes over the WebSocket, the event stream and NATS; `{DIALECTS}` the
paths of existing products' front ends.

Wrong requests are answered with `{problem.PROBLEM_MEDIA_TYPE}` (RFC 9457).""",
)
OF_DIALECTS = Description(
    "Tidings: dialects",
    f"""The paths of existing products' front ends, each with the fields of its product.

The README in `services/tidings/edge/dialects` has the fields; `{OPENAPI}` has all other paths.""",
)
HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
HOSTS_LIMIT = 16
HOST_PLACEHOLDER = "host-of-the-request.invalid"

AnyRequest = Request[Any, Any, Any]


class Documents:
    """The documents of these handlers."""

    def __init__(self, handlers: Sequence[BaseRouteHandler]) -> None:
        self._handlers = [*handlers]
        self._lock = Lock()

    @cached_property
    def openapi(self) -> StaticFile:
        """The OpenAPI document."""
        return _json_file(self._document(CANONICAL))

    @cached_property
    def dialects(self) -> StaticFile:
        """The OpenAPI document of the dialects' paths."""
        return _json_file(self._document(OF_DIALECTS, of_dialects=True))

    @cached_property
    def page(self) -> StaticFile:
        """The page that shows both."""
        documents = [msgspec.json.decode(each.content) for each in (self.openapi, self.dialects)]
        return StaticFile.from_content("text/html", render_page(documents))

    @cached_property
    def _known_paths(self) -> Mapping[str, Any]:
        return signature_paths(self._handlers)

    def _document(self, description: Description, *, of_dialects: bool = False) -> dict[str, Any]:
        with self._lock:
            known = self._known_paths
        return openapi_document(description, self._handlers, known, of_dialects=of_dialects)


def document_handlers(handlers: Sequence[BaseRouteHandler]) -> list[Any]:
    """Return the handlers of the documents of an application with these handlers and themselves."""

    @get(ASYNCAPI, sync_to_thread=True, opt=operation_opt(Operation(dict[str, Any])))
    def asyncapi(request: AnyRequest) -> Response[bytes]:
        """Return the AsyncAPI document of the WebSocket, the event stream and the NATS subjects."""
        return _asyncapi_file(_host(request)).response(request, {})

    documents = Documents([*handlers, asyncapi])

    @get(OPENAPI, sync_to_thread=True, opt=UNDOCUMENTED_OPT)
    def openapi(request: AnyRequest) -> Response[bytes]:
        """Return the OpenAPI document."""
        return documents.openapi.response(request, {})

    @get(DIALECTS, sync_to_thread=True, opt=UNDOCUMENTED_OPT)
    def dialects(request: AnyRequest) -> Response[bytes]:
        """Return the OpenAPI document of the dialects' paths."""
        return documents.dialects.response(request, {})

    @get("/schema", sync_to_thread=True, opt=UNDOCUMENTED_OPT)
    def page(request: AnyRequest) -> Response[bytes]:
        """Return a page that shows the documents; it needs no script and no other origin."""
        return documents.page.response(request, PAGE_HEADERS)

    @get("/schema/styles.css", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def styles(request: AnyRequest) -> Response[bytes]:
        """Return the style sheet of the page."""
        return STYLESHEET.response(request, {})

    return [asyncapi, openapi, dialects, page, styles]


def _json_file(document: Any) -> StaticFile:
    return StaticFile.from_content("application/json", msgspec.json.encode(document))


def _host(request: AnyRequest) -> str:
    """Return the host and port that the client used, the default one if it is not valid."""
    host = request.headers.get("host", "")
    return host if HOST.fullmatch(host) else DEFAULT_EDGE


@lru_cache(HOSTS_LIMIT)
def _asyncapi_file(host: str) -> StaticFile:
    """Return the AsyncAPI document with a host, which each request may name another one."""
    content = _asyncapi_template().replace(HOST_PLACEHOLDER.encode(), host.encode())
    return StaticFile.from_content("application/json", content)


@cache
def _asyncapi_template() -> bytes:
    return msgspec.json.encode(asyncapi_document(HOST_PLACEHOLDER))
