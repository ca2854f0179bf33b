"""The documents are valid by the official validators, constant, and shown by a page of ours."""

from __future__ import annotations

import asyncio
import os
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.acceptance.problems import check_problem
from tests.driver import Tidings
from tests.npm_packages import require_npm_packages

RULES = Path(__file__).with_name("redocly.yaml")
DOCUMENTS = ("/schema/openapi.json", "/schema/dialects.json")
CONSTANT = (*DOCUMENTS, "/schema", "/schema/styles.css", "/asyncapi.json")


async def fetch_document(tidings: Tidings, path: str) -> dict[str, Any]:
    response = await tidings.http.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def test_redocly_accepts_the_documents(tidings: Tidings, tmp_path: Path) -> None:
    program = require_npm_packages() / "node_modules" / ".bin" / "redocly"
    files = [tmp_path / Path(path).name for path in DOCUMENTS]
    for path, file in zip(DOCUMENTS, files, strict=True):
        file.write_bytes((await tidings.http.get(path)).content)

    process = await asyncio.create_subprocess_exec(
        program,
        "lint",
        *files,
        f"--config={RULES}",
        "--format=stylish",
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "CI": "true"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_the_validator_of_openapi_accepts_the_documents(tidings: Tidings, path: str) -> None:
    document: Any = await fetch_document(tidings, path)

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_every_example_is_valid_and_every_operation_says_who_may(
    tidings: Tidings, path: str
) -> None:
    document = await fetch_document(tidings, path)
    operations = {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }

    for name, operation in operations.items():
        assert "security" in operation, name
        assert operation["security"] == [] or "401" in operation["responses"], name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in content:
                schema = {**content["schema"], "components": document["components"]}
                jsonschema_rs.validator_for(schema).validate(content["example"])


async def test_every_path_of_the_dialects_is_in_their_document(tidings: Tidings) -> None:
    paths = (await fetch_document(tidings, DOCUMENTS[1]))["paths"]

    assert {
        "/ws",
        "/api/v1/ws",
        "/api/v1/ws/status",
        "/ws/notifications",
        "/api/v1/ws/notifications",
        "/notifications/stream",
        "/api/notifications",
        "/api/v1/notifications/send",
        "/notifications/{identifier}",
    } <= paths.keys()
    assert paths["/api/v1/ws/status"]["get"]["security"] == []
    assert {"patch", "post", "put"} == paths["/api/v1/notifications/{identifier}/read"].keys()


@pytest.mark.parametrize("path", CONSTANT)
async def test_a_document_is_constant_and_answered_from_the_client_s_copy(
    tidings: Tidings, path: str
) -> None:
    first = await tidings.http.get(path)
    again = await tidings.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    plain = await tidings.http.get(path, headers={"Accept-Encoding": "gzip;q=0"})

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


async def test_the_host_in_the_asyncapi_document_is_one(tidings: Tidings) -> None:
    answer = await tidings.http.get("/asyncapi.json", headers={"Host": 'x"}<script>'})

    assert b"<script>" not in answer.content


async def test_no_other_page_of_documentation_is_served(tidings: Tidings) -> None:
    for name in ("redoc", "swagger", "elements", "rapidoc", "openapi.yaml", "openapi.yml", "x"):
        check_problem(await tidings.http.get(f"/schema/{name}"), 404)


async def test_a_problem_of_no_own_type_has_the_phrase_of_its_status(tidings: Tidings) -> None:
    answers = [
        await tidings.http.get("/v1/counts"),
        await tidings.http.get("/nowhere"),
        await tidings.http.delete("/v1/counts"),
        await tidings.http.get("/v1/socket"),
        await tidings.http.get("/v1/log?after=x", headers=tidings.headers("alice")),
    ]

    for answer in answers:
        problem = check_problem(answer, 400, 401, 404, 405, 426)
        assert problem["type"] == "about:blank"
        assert problem["title"] == HTTPStatus(answer.status_code).phrase


async def test_a_problem_that_a_program_must_tell_apart_has_a_type_that_the_page_explains(
    tidings: Tidings,
) -> None:
    page = (await tidings.http.get("/schema")).text
    answer = await tidings.http.get("/v1/log?after=00000000-1", headers=tidings.headers("alice"))
    type_ = check_problem(answer, 410)["type"]

    path, _, anchor = type_.partition("#")
    assert path == "/schema" and f'id="{anchor}"' in page


@pytest.mark.parametrize(
    "path", ["/", "/schema", "/health/live", "/v1/counts", "/v1/stream", "/web/client.js", "/nope"]
)
async def test_head_is_answered_as_get_without_a_body(tidings: Tidings, path: str) -> None:
    headers = tidings.headers("alice")
    head = await tidings.http.head(path, headers=headers)
    async with tidings.http.stream("GET", path, headers=headers) as get:
        names = {"content-type", "etag", "cache-control", "content-security-policy"}

        assert head.status_code == get.status_code
        assert head.content == b""
        assert {name: head.headers.get(name) for name in names} == {
            name: get.headers.get(name) for name in names
        }


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity, *;q=0.5", True),
        ("br, GZIP;q=0.1", True),
        ("br", False),
        ("", False),
        ("gzip;q=no", False),
    ],
)
async def test_gzip_is_sent_only_to_those_who_accept_it(
    tidings: Tidings, accepted: str, packed: bool
) -> None:
    answer = await tidings.http.get("/web/client.js", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in answer.headers) == packed
    assert re.search("accept-encoding", answer.headers["vary"], re.IGNORECASE)
