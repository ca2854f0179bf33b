"""OpenAPI 3.1: parameters from the handlers' signatures, bodies and answers from the contracts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from types import FunctionType
from typing import Any, NamedTuple

from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Info, OpenAPI, Server
from tidings.contracts.documents.schema import Schema, Schemas
from tidings.contracts.http_bodies.results import ProblemDetails
from tidings.runtime.http import problem
from tidings.runtime.http.idempotency.middleware import (
    KEY_HEADER,
    KEY_PATTERN,
    REPLAYED_HEADER,
)

JSON = "application/json"
KEYED_STATUSES = (400, 409, 413, 422, 429, 503)
AUTHENTICATED_STATUSES = (401, 403, 429, 503)
ASYNCAPI = "/asyncapi.json"
DESCRIPTION = f"""Facts in, each person's durable log out.

`{ASYNCAPI}` describes what goes over the WebSocket, the event stream and NATS.

Wrong requests are answered with `{problem.PROBLEM_MEDIA_TYPE}` (RFC 9457)."""
STATUS_DESCRIPTIONS = {
    400: "Something in the request is wrong; `detail` says what would be right.",
    401: "No token, or one that is not valid.",
    403: "The token lacks a claim or scope.",
    404: "There is no such thing.",
    409: "It conflicts with the present state; or the first request with this key is unanswered.",
    410: "The cursor cannot be replayed; start again without one.",
    413: "The body is too large.",
    415: "The media type of the body is not accepted.",
    421: "This edge does not serve this person; ask another one.",
    422: "The key was first sent with another request.",
    429: "Too many requests, or too many keys.",
    503: "It cannot be done now; nothing is lost, try again.",
}
STATUS_HEADERS: Mapping[int, tuple[str, Schema]] = {
    401: ("WWW-Authenticate", {"type": "string"}),
    429: ("Retry-After", {"type": "string", "description": "Seconds."}),
    503: ("Retry-After", {"type": "string", "description": "Seconds."}),
}


_TYPED_PARAMETER = re.compile(r"\{(\w+):\w+\}")


class Operation(NamedTuple):
    """Documentation of a route beside its handler's signature; shapes are types of the contracts.

    A body is a shape by media type, or a function that makes its schema; `parameters` are those
    that the signature lacks; `headers` belong to the answer; `without_body` describes the statuses
    that are answered without a body.
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


def operation_opt(operation: Operation) -> dict[str, Any]:
    """Return the `opt` of a handler with this documentation."""
    return {"operation": operation}


UNDOCUMENTED_OPT: dict[str, Any] = {"operation": None}
"""The `opt` of a handler that the document omits."""


class DescribedOpenAPI(OpenAPIConfig):
    """The configuration of an application whose document describes these handlers."""

    def __init__(self, handlers: Sequence[BaseRouteHandler]) -> None:
        super().__init__(
            title="Tidings", version="1", description=DESCRIPTION, use_handler_docstrings=True
        )
        self._handlers = handlers

    def to_openapi_schema(self) -> OpenAPI:
        """Return a document that Litestar fills with its paths and `to_schema` completes."""
        info = Info(self.title, self.version, description=self.description)
        return OpenAPIDocument(info=info, servers=[Server("/")], paths={}).with_handlers(
            self._handlers
        )


class OpenAPIDocument(OpenAPI):
    """A document of Litestar's parameters with our bodies, answers and problems."""

    _handlers: Sequence[BaseRouteHandler] = ()

    def with_handlers(self, handlers: Sequence[BaseRouteHandler]) -> OpenAPIDocument:
        """Set the handlers and return this document."""
        self._handlers = handlers
        return self

    def to_schema(self) -> dict[str, Any]:
        """Return the whole document as JSON values."""
        litestar_schema: dict[str, Any] = super().to_schema()
        schemas = Schemas()
        paths: dict[str, dict[str, Any]] = {}
        for handler in self._handlers:
            if handler.opt.get("operation", True) is None:
                continue
            for path in (_TYPED_PARAMETER.sub("{\\1}", path) for path in handler.paths):
                known_path = litestar_schema["paths"].get(path, {})
                methods = sorted(getattr(handler, "http_methods", {"GET"}))
                paths.setdefault(path, {}).update(
                    {
                        method.lower(): _operation(
                            handler, known_path.get(method.lower(), {}), schemas
                        )
                        for method in methods
                    }
                )
        return {
            **litestar_schema,
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.components.items())),
                "securitySchemes": SECURITY_SCHEMES,
            },
        }


SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`sub`, `tenant`, `scope` and `exp`.",
    }
}


def _operation(
    handler: BaseRouteHandler, known_operation: Mapping[str, Any], schemas: Schemas
) -> Schema:
    operation = handler.opt.get("operation", Operation())
    is_keyed = "POST" in getattr(handler, "http_methods", ())
    statuses = {
        *operation.problems,
        400,
        *(AUTHENTICATED_STATUSES if operation.scope else ()),
        *(KEYED_STATUSES if is_keyed else ()),
    }
    summary, _, rest = cleandoc(handler.fn.__doc__ or "").partition("\n")
    return {
        "operationId": handler.handler_name.rpartition(".")[2],
        "summary": summary,
        **({"description": rest.strip()} if rest.strip() else {}),
        "parameters": [
            *map(_parameter, known_operation.get("parameters", ())),
            *operation.parameters,
            *([KEY_PARAMETER] if is_keyed else ()),
        ],
        **({"requestBody": _body(operation, schemas)} if operation.bodies else {}),
        "responses": {
            str(operation.status): _answer(operation, is_keyed, schemas),
            **{
                str(status): {"description": description, **_headers(operation)}
                for status, description in operation.without_body.items()
            },
            **{str(status): _problem(status, is_keyed, schemas) for status in sorted(statuses)},
        },
        **({"security": [{"bearer": [operation.scope]}]} if operation.scope else {}),
    }


KEY_PARAMETER: Schema = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "A request that is repeated with its key gets the first answer again"
        " (draft-ietf-httpapi-idempotency-key-header)."
    ),
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}
REPLAYED_HEADER_SCHEMA: Schema = {
    REPLAYED_HEADER: {
        "description": "This repeats the first answer.",
        "required": False,
        "schema": {"const": "true"},
    }
}


def _parameter(known_parameter: Schema) -> Schema:
    """Return Litestar's description of a parameter without null, which a query cannot hold."""
    schema = known_parameter.get("schema", {})
    choices = [choice for choice in schema.get("oneOf", ()) if choice.get("type") != "null"]
    query_schema = (
        {**choices[0], **{name: value for name, value in schema.items() if name != "oneOf"}}
        if len(choices) == 1
        else schema
    )
    return {
        **{
            name: value
            for name, value in known_parameter.items()
            if name not in ("deprecated", "allowEmptyValue")
        },
        "schema": query_schema,
    }


def _body(operation: Operation, schemas: Schemas) -> Schema:
    content = {
        media_type: {"schema": _schema(shape, schemas)}
        for media_type, shape in operation.bodies.items()
    }
    if operation.example is not None:
        next(iter(content.values()))["example"] = operation.example
    return {"required": True, "content": content}


def _answer(operation: Operation, is_keyed: bool, schemas: Schemas) -> Schema:
    content = (
        {"content": {operation.media_type: {"schema": _schema(operation.answer, schemas)}}}
        if operation.answer
        else {}
    )
    return {
        "description": "Done.",
        **content,
        **({"headers": REPLAYED_HEADER_SCHEMA} if is_keyed else _headers(operation)),
    }


def _headers(operation: Operation) -> Schema:
    headers = {
        name: {"required": True, "schema": schema} for name, schema in operation.headers.items()
    }
    return {"headers": headers} if headers else {}


def _problem(status: int, is_keyed: bool, schemas: Schemas) -> Schema:
    name, schema = STATUS_HEADERS.get(status, ("", {}))
    headers = {
        **({name: {"required": True, "schema": schema}} if name else {}),
        **(REPLAYED_HEADER_SCHEMA if is_keyed else {}),
    }
    content = {problem.PROBLEM_MEDIA_TYPE: {"schema": schemas.schema_of(ProblemDetails)}}
    return {
        "description": STATUS_DESCRIPTIONS[status],
        "content": content,
        **({"headers": headers} if headers else {}),
    }


def _schema(shape: Any, schemas: Schemas) -> Schema:
    return shape(schemas) if isinstance(shape, FunctionType) else schemas.schema_of(shape)
