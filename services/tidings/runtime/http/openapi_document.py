"""OpenAPI 3.1: parameters from the handlers' signatures, bodies and answers from the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from types import FunctionType
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from tidings.contracts.documents.schema import Schema, Schemas
from tidings.contracts.http_bodies.results import ProblemDetails
from tidings.runtime.http import problem
from tidings.runtime.http.idempotency.middleware import (
    KEY_HEADER,
    KEY_PATTERN,
    REPLAYED_HEADER,
    UNSTORED,
)
from tidings.runtime.http.openapi import OPERATION, Operation

ANY_STATUSES = (400, 408, 414, 421, 429, 431)
"""Answers to requests to any path, most of them before its handler sees the request."""
KEYED_STATUSES = (409, 413, 422, 503)
AUTHENTICATED_STATUSES = (401, 403, 503)
STATUS_DESCRIPTIONS = {
    400: "Something in the request is wrong; `detail` says what would be right.",
    401: "No token, or one that is not valid.",
    403: "The token lacks a claim or scope.",
    404: "There is no such thing.",
    408: "The request did not arrive in time.",
    409: "It conflicts with the present state; or the first request with this key is unanswered.",
    410: "The cursor cannot be replayed; start again without one.",
    412: "It has changed since it was read.",
    413: "The body is too large.",
    414: "The target of the request is too long.",
    415: "The media type of the body is not accepted.",
    426: "The path takes WebSockets only.",
    421: "This edge does not serve this person, or requests may not name this host.",
    422: "A value cannot be used, or the key was first sent with another request.",
    429: "Too many requests, or too many keys.",
    431: "The fields of the request are too many or too large.",
    503: "It cannot be done now; nothing is lost, try again.",
}
STATUS_HEADERS: Mapping[int, tuple[str, Schema]] = {
    401: ("WWW-Authenticate", {"type": "string"}),
    429: ("Retry-After", {"type": "string", "description": "Seconds."}),
    503: ("Retry-After", {"type": "string", "description": "Seconds."}),
}
_TYPED_PARAMETER = re.compile(r"\{(\w+):\w+\}")

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`sub`, `tenant`, `scope` and `exp`.",
    }
}


class Description(NamedTuple):
    """The text at the head of a document."""

    title: str
    text: str


class _Endpoint(NamedTuple):
    """A path and method of a handler; `number` counts those of the same handler, from 0."""

    handler: BaseRouteHandler
    operation: Operation
    path: str
    method: str
    number: int


def signature_paths(handlers: Sequence[BaseRouteHandler]) -> Mapping[str, Any]:
    """Return the paths of these handlers as Litestar describes them, with their parameters."""
    config = OpenAPIConfig("Tidings", "1", render_plugins=[JsonRenderPlugin()])
    # An application of its own: the one that serves has no pages of Litestar.
    app = Litestar([*handlers], openapi_config=config, logging_config=None)
    return app.openapi_schema.to_schema()["paths"]


def openapi_document(
    description: Description,
    handlers: Sequence[BaseRouteHandler],
    known_paths: Mapping[str, Any],
    *,
    of_dialects: bool = False,
) -> dict[str, Any]:
    """Return the OpenAPI document of these handlers; that of the dialects has nothing else.

    `known_paths` are those of `signature_paths`.
    """
    schemas, paths, tags = Schemas(), dict[str, dict[str, Any]](), set[str]()
    for endpoint in _endpoints(handlers):
        if of_dialects == bool(endpoint.operation.dialect):
            known = known_paths.get(endpoint.path, {}).get(endpoint.method, {})
            tags.add(_tag(endpoint))
            paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(
                endpoint, known, schemas
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": description.title,
            "version": "1",
            "description": description.text,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted(tags)],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _endpoints(handlers: Sequence[BaseRouteHandler]) -> Iterator[_Endpoint]:
    for handler in handlers:
        operation: Operation | None = handler.opt.get(OPERATION, Operation())
        if operation is None:
            continue
        methods = sorted({*getattr(handler, "http_methods", {"GET"})} - {"HEAD"})
        pairs = [
            (_TYPED_PARAMETER.sub("{\\1}", path), method.lower())
            for path in sorted(handler.paths)
            for method in methods
        ]
        for number, (path, method) in enumerate(pairs):
            yield _Endpoint(handler, operation, path, method, number)


def _tag(endpoint: _Endpoint) -> str:
    """Return the product of a dialect, or the first word of the path after its version."""
    first, second, *_ = f"{endpoint.path}//".lstrip("/").split("/")
    return endpoint.operation.dialect or (second if first == "v1" else first)


def _operation(endpoint: _Endpoint, known: Mapping[str, Any], schemas: Schemas) -> Schema:
    handler, operation, _, method, number = endpoint
    is_keyed = method == "post" and not handler.opt.get(UNSTORED)
    statuses = {
        *operation.problems,
        *ANY_STATUSES,
        *(AUTHENTICATED_STATUSES if operation.scope else ()),
        *(KEYED_STATUSES if is_keyed else ()),
    }
    words = handler.fn.__doc__ or handler.fn.__name__.replace("_", " ").capitalize()
    summary, _, rest = cleandoc(words).partition("\n")
    dialect = f"{operation.dialect}_" if operation.dialect else ""
    return {
        "operationId": f"{dialect}{handler.fn.__name__}{f'_{number + 1}' if number else ''}",
        "tags": [_tag(endpoint)],
        "summary": summary,
        **({"description": rest.strip()} if rest.strip() else {}),
        "parameters": [
            *map(_parameter, known.get("parameters", ())),
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
        "security": [{"bearer": [operation.scope]}] if operation.scope else [],
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
