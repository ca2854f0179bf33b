"""The page at `/schema`: OpenAPI documents as plain HTML, without a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tidings.runtime.http.problem import PROBLEM_TYPES, problem_type

STYLES = Path(__file__).with_name("document_page.css").read_bytes()
LINKS = (
    ("/schema/openapi.json", "OpenAPI 3.1"),
    ("/schema/dialects.json", "OpenAPI 3.1 of the dialects"),
    ("/asyncapi.json", "AsyncAPI 3"),
)
LIMITS = (
    *("format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems"),
    *("maxItems", "minProperties", "maxProperties", "default"),
)

Json = Mapping[str, Any]


def render_page(documents: Sequence[Json]) -> bytes:
    """Return the page of these documents; the ids of their parts differ between documents."""
    parts = "".join(
        _document(document, f"{number}-" if number else "")
        for number, document in enumerate(documents)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidings: HTTP interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/schema/styles.css">
</head>
<body>
<header><h1>HTTP interface</h1><p>{_links()}</p></header>
<main>{parts}{_problems()}</main>
</body>
</html>
""".encode()


def _links() -> str:
    return " · ".join(f'<a href="{url}">{name}</a>' for url, name in LINKS)


def _document(document: Json, prefix: str) -> str:
    info = document["info"]
    groups: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups[operation["tags"][0]].append(_operation(method, path, operation, prefix))
    sections = "".join(
        f"<section><h3>{escape(tag)}</h3>{''.join(operations)}</section>"
        for tag, operations in groups.items()
    )
    schemas = "".join(
        _schema(name, schema, prefix) for name, schema in document["components"]["schemas"].items()
    )
    return (
        f"<h2>{escape(info['title'])}</h2>{_text(info['description'])}{sections}"
        f"<section><h3>Schemas</h3>{schemas}</section>"
    )


def _schema(name: str, schema: Json, prefix: str) -> str:
    # A browser opens the details around the target of a link, not the details that are the target.
    return (
        f'<details><summary>{escape(name)}</summary><div id="{prefix}{escape(name)}">'
        f"{_text(schema.get('description'))}{_properties(schema, prefix)}</div></details>"
    )


def _operation(method: str, path: str, operation: Json, prefix: str) -> str:
    scopes = [scope for each in operation["security"] for scope in each["bearer"]]
    access = f"Scope <code>{escape(', '.join(scopes))}</code>" if scopes else "No token needed"
    identifier = f"{prefix}{operation['operationId']}"
    return (
        f'<details class="operation" id="{identifier}"><summary>'
        f'<b class="{method}">{method.upper()}</b> <code>{escape(path)}</code>'
        f" <span>{_inline(operation['summary'])}</span></summary>"
        f"{_text(operation.get('description'))}<p>{access}.</p>"
        f"{_parameters(operation['parameters'], prefix)}"
        f"{_body(operation.get('requestBody'), prefix)}"
        f"{_answers(operation['responses'], prefix)}</details>"
    )


def _parameters(parameters: Sequence[Json], prefix: str) -> str:
    rows = (
        (
            f"<code>{escape(each['name'])}</code>{'*' if each.get('required') else ''}",
            escape(each["in"]),
            _type(each["schema"], prefix),
            _inline(each.get("description", "")),
        )
        for each in parameters
    )
    return _table("Parameters", rows) if parameters else ""


def _body(body: Json | None, prefix: str) -> str:
    if body is None:
        return ""
    rows = (
        (f"<code>{media_type}</code>", _type(content["schema"], prefix))
        for media_type, content in body["content"].items()
    )
    examples = (
        f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>"
        for content in body["content"].values()
        if "example" in content
    )
    return _table("Body", rows) + "".join(examples)


def _answers(answers: Json, prefix: str) -> str:
    rows = (
        (
            f"<code>{status}</code>",
            _inline(answer["description"]),
            " or ".join(
                _type(each["schema"], prefix) for each in answer.get("content", {}).values()
            ),
            " ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", ())),
        )
        for status, answer in answers.items()
    )
    return _table("Answers", rows)


def _properties(schema: Json, prefix: str) -> str:
    properties: Json = schema.get("properties", {})
    if not properties:
        return f"<p>{_type(schema, prefix)}</p>"
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(name)}</code>{'*' if name in required else ''}",
            _type(value, prefix),
            _inline(value.get("description", "")),
        )
        for name, value in properties.items()
    )
    return _table("", rows)


def _type(schema: Json, prefix: str) -> str:
    """Return a schema in a few words; references are links."""
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#{prefix}{name}">{name}</a>'
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(_type(each, prefix) for each in choices)
    if "const" in schema or "enum" in schema:
        values: list[Any] = schema.get("enum") or [schema.get("const")]
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    return _kind(schema, prefix) + _limits(schema)


def _kind(schema: Json, prefix: str) -> str:
    kind: Any = schema.get("type", "any")
    name = escape(kind if isinstance(kind, str) else " or ".join(kind))
    parts: Any = schema.get("items") or schema.get("additionalProperties")
    return f"{name} of {_type(parts, prefix)}" if parts else name


def _limits(schema: Json) -> str:
    limits = [
        f"{escape(name)} <code>{escape(str(schema[name]))}</code>"
        for name in LIMITS
        if name in schema
    ]
    return f" <small>{', '.join(limits)}</small>" if limits else ""


def _problems() -> str:
    rows = (
        (f'<code id="{problem_type(cause).rpartition("#")[2]}">{problem_type(cause)}</code>', text)
        for cause, text in PROBLEM_TYPES.items()
    )
    blank = ("<code>about:blank</code>", "the status says all; the title is its phrase")
    return f"<h2>Types of problems</h2>{_table('', [blank, *rows])}"


def _table(caption: str, rows: Iterable[Sequence[str]]) -> str:
    lines = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows)
    title = f"<caption>{caption}</caption>" if caption else ""
    return f'<div class="table"><table>{title}<tbody>{lines}</tbody></table></div>'


def _text(text: str | None) -> str:
    return "".join(f"<p>{_inline(each)}</p>" for each in _paragraphs(text or ""))


def _paragraphs(text: str) -> Iterator[str]:
    return (each.strip() for each in text.split("\n\n") if each.strip())


def _inline(text: str) -> str:
    """Return text as HTML; what stands between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
