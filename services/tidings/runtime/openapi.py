"""OpenAPI 3.1 of what a process serves: parameters from the handlers' signatures, bodies and answers from the contracts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from types import FunctionType
from typing import Any, NamedTuple

from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Info, OpenAPI, Server
from tidings.contracts.http import ProblemDetails
from tidings.contracts.schema import Schema, Schemas
from tidings.runtime import problem
from tidings.runtime.idempotent import HEADER, KEY, REPLAYED

JSON = "application/json"
KEYED = (400, 409, 413, 422, 429, 503)
AUTHENTICATED = (401, 403, 429, 503)
ASYNCAPI = "/asyncapi.json"
DESCRIPTION = f"""Facts in, each person's durable log out. `{ASYNCAPI}` describes what goes over the WebSocket, the event stream and NATS.

Wrong requests are answered with `{problem.MEDIA_TYPE}` (RFC 9457)."""
WORDS = {
    400: "Something in the request is wrong; `detail` says what would be right.",
    401: "No token, or one that is not valid.",
    403: "The token lacks a claim or scope.",
    404: "There is no such thing.",
    409: "It conflicts with how things stand; or the first request with this key is not answered yet.",
    410: "The cursor cannot be replayed; start afresh without one.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken.",
    421: "This edge does not serve this person; ask another one.",
    422: "The key was first sent with another request.",
    429: "Too many requests, or too many keys.",
    503: "It cannot be done now; nothing is lost, try again.",
}
HEADERS: Mapping[int, tuple[str, Schema]] = {
    401: ("WWW-Authenticate", {"type": "string"}),
    429: ("Retry-After", {"type": "string", "description": "Seconds."}),
    503: ("Retry-After", {"type": "string", "description": "Seconds."}),
}


_TYPED = re.compile(r"\{(\w+):\w+\}")


class Operation(NamedTuple):
    """What a request takes and is answered, beside what its handler's signature says; shapes are types of the contracts.

    A body is a shape by media type, or a function that makes its schema; `parameters` are those that no signature says;
    `headers` are those of the answer; `without_body` are answers that have none, and what each means.
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


def says(operation: Operation) -> dict[str, Any]:
    """The `opt` of a handler that this describes."""
    return {"operation": operation}


UNDESCRIBED: dict[str, Any] = {"operation": None}
"""The `opt` of a handler that the document leaves out."""


class Contract(OpenAPIConfig):
    """The configuration of an application whose document is written from these handlers."""

    def __init__(self, handlers: Sequence[BaseRouteHandler]) -> None:
        super().__init__(
            title="Tidings", version="1", description=DESCRIPTION, use_handler_docstrings=True
        )
        self._handlers = handlers

    def to_openapi_schema(self) -> OpenAPI:
        """Litestar fills in the paths it knows, we the rest."""
        info = Info(self.title, self.version, description=self.description)
        return Document(info=info, servers=[Server("/")], paths={}).of(self._handlers)


class Document(OpenAPI):
    """A document that is true: what Litestar knows of parameters, with our bodies, answers and problems."""

    _handlers: Sequence[BaseRouteHandler] = ()

    def of(self, handlers: Sequence[BaseRouteHandler]) -> Document:
        """This document, of these handlers."""
        self._handlers = handlers
        return self

    def to_schema(self) -> dict[str, Any]:
        """The whole document as JSON."""
        known: dict[str, Any] = super().to_schema()
        schemas = Schemas()
        paths: dict[str, dict[str, Any]] = {}
        for handler in self._handlers:
            if handler.opt.get("operation", True) is None:
                continue
            for path in (_TYPED.sub("{\\1}", path) for path in handler.paths):
                found = known["paths"].get(path, {})
                methods = sorted(getattr(handler, "http_methods", {"GET"}))
                paths.setdefault(path, {}).update(
                    {
                        each.lower(): _operation(handler, found.get(each.lower(), {}), schemas)
                        for each in methods
                    }
                )
        return {
            **known,
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.components.items())),
                "securitySchemes": SECURITY,
            },
        }


SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`sub`, `tenant`, `scope` and `exp`.",
    }
}


def _operation(handler: BaseRouteHandler, known: Mapping[str, Any], schemas: Schemas) -> Schema:
    described = handler.opt.get("operation", Operation())
    keyed = "POST" in getattr(handler, "http_methods", ())
    statuses = {
        *described.problems,
        400,
        *(AUTHENTICATED if described.scope else ()),
        *(KEYED if keyed else ()),
    }
    summary, _, rest = cleandoc(handler.fn.__doc__ or "").partition("\n")
    return {
        "operationId": handler.handler_name.rpartition(".")[2],
        "summary": summary,
        **({"description": rest.strip()} if rest.strip() else {}),
        "parameters": [
            *map(_parameter, known.get("parameters", ())),
            *described.parameters,
            *([IDEMPOTENCY_KEY] if keyed else ()),
        ],
        **({"requestBody": _body(described, schemas)} if described.bodies else {}),
        "responses": {
            str(described.status): _answer(described, keyed, schemas),
            **{
                str(status): {"description": words, **_headers(described)}
                for status, words in described.without_body.items()
            },
            **{str(status): _problem(status, keyed, schemas) for status in sorted(statuses)},
        },
        **({"security": [{"bearer": [described.scope]}]} if described.scope else {}),
    }


IDEMPOTENCY_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Whoever sends a request again with its key gets the first answer again (draft-ietf-httpapi-idempotency-key-header).",
    "schema": {"type": "string", "pattern": KEY},
}
REPLAYED_HEADER: Schema = {
    REPLAYED: {
        "description": "This is the first answer again.",
        "required": False,
        "schema": {"const": "true"},
    }
}


def _parameter(known: Schema) -> Schema:
    """What Litestar says of a parameter, but nothing in a query is null."""
    schema = known.get("schema", {})
    given = [each for each in schema.get("oneOf", ()) if each.get("type") != "null"]
    plain = (
        {**given[0], **{name: value for name, value in schema.items() if name != "oneOf"}}
        if len(given) == 1
        else schema
    )
    return {
        **{
            name: value
            for name, value in known.items()
            if name not in ("deprecated", "allowEmptyValue")
        },
        "schema": plain,
    }


def _body(described: Operation, schemas: Schemas) -> Schema:
    content = {
        media_type: {"schema": _schema(shape, schemas)}
        for media_type, shape in described.bodies.items()
    }
    if described.example is not None:
        next(iter(content.values()))["example"] = described.example
    return {"required": True, "content": content}


def _answer(described: Operation, keyed: bool, schemas: Schemas) -> Schema:
    content = (
        {"content": {described.media_type: {"schema": _schema(described.answer, schemas)}}}
        if described.answer
        else {}
    )
    return {
        "description": "Done.",
        **content,
        **({"headers": REPLAYED_HEADER} if keyed else _headers(described)),
    }


def _headers(described: Operation) -> Schema:
    told = {
        name: {"required": True, "schema": schema} for name, schema in described.headers.items()
    }
    return {"headers": told} if told else {}


def _problem(status: int, keyed: bool, schemas: Schemas) -> Schema:
    name, schema = HEADERS.get(status, ("", {}))
    headers = {
        **({name: {"required": True, "schema": schema}} if name else {}),
        **(REPLAYED_HEADER if keyed else {}),
    }
    content = {problem.MEDIA_TYPE: {"schema": schemas.of(ProblemDetails)}}
    return {
        "description": WORDS[status],
        "content": content,
        **({"headers": headers} if headers else {}),
    }


def _schema(shape: Any, schemas: Schemas) -> Schema:
    return shape(schemas) if isinstance(shape, FunctionType) else schemas.of(shape)
