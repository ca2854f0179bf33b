"""The OpenAPI document is true: whatever it allows is taken, whatever it does not is refused as it says, and nothing breaks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tidings.contracts import asyncapi
from tidings.contracts.codec import encode
from tidings.runtime.settings import Settings

from tests.acceptance.refused import refused
from tests.driver import Tidings, hello_to
from tests.webs import web

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
DOCUMENT = "/schema/openapi.json"


@pytest.fixture
async def own(tidings: Tidings, chosen: Settings) -> AsyncIterator[Tidings]:
    """A process of the test's own, and a person with a few notifications."""
    async with (
        web(chosen, request_rate="off", ticket_rate="off") as running,
        Tidings(running.url, tidings.runtime, tidings.tenant) as driver,
    ):
        await driver.emit(*(hello_to("alice", title=str(number)) for number in range(3)))
        await driver.eventually("alice", total=3)
        yield driver


async def document(tidings: Tidings) -> dict[str, Any]:
    response = await tidings.http.get(DOCUMENT)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.timeout(400)
async def test_every_promise_of_the_document_is_kept(own: Tidings, tmp_path: Path) -> None:
    command = (
        Path(sys.executable).with_name("st"),
        "--config-file",
        CONFIGURATION,
        "run",
        own.url + DOCUMENT,
    )
    options = (
        "--header",
        f"Authorization: {own.headers('alice')['Authorization']}",
        "--phases",
        "examples,coverage,fuzzing",
    )

    process = await asyncio.create_subprocess_exec(
        *command,
        *options,
        "--seed",
        "1",
        "--continue-on-failure",
        "--no-color",
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    report, _ = await process.communicate()

    assert process.returncode == 0, report.decode()


async def test_every_operation_is_described_whole(tidings: Tidings) -> None:
    operations = {
        f"{method} {path}": operation
        for path, item in (await document(tidings))["paths"].items()
        for method, operation in item.items()
    }

    assert {
        "get /v1/log",
        "post /v1/events",
        "get /v1/stream",
        "post /v1/notifications/mark",
    } <= operations.keys()
    for name, operation in operations.items():
        assert operation["summary"], name
        answers = [
            answer for status, answer in operation["responses"].items() if "200" <= status < "300"
        ]
        assert all(next(iter(answer["content"].values()))["schema"] for answer in answers), name
        if "requestBody" in operation:
            assert "example" in next(iter(operation["requestBody"]["content"].values())), name
        if name.startswith("post"):
            assert {"409", "422"} <= operation["responses"].keys(), name


async def test_the_document_of_frames_and_subjects_is_served_beside_it(tidings: Tidings) -> None:
    answer = await tidings.http.get("/asyncapi.json")

    assert answer.json() == msgspec.json.decode(
        encode(asyncapi.document(answer.url.netloc.decode()))
    )


async def test_what_a_stream_is_not_opened_for_is_in_the_document(tidings: Tidings) -> None:
    told = (await document(tidings))["paths"]["/v1/stream"]["get"]["responses"]

    answers = [
        await tidings.http.get("/v1/stream"),
        await tidings.http.get("/v1/stream", headers=tidings.headers(scope="emit")),
    ]

    for answer in answers:
        assert str(answer.status_code) in told
        refused(answer, 401, 403)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_another_method_is_refused_with_those_that_there_are(
    tidings: Tidings, method: str
) -> None:
    answer = await tidings.http.request(method, "/v1/events", headers=tidings.headers())

    refused(answer, 405)
    assert "POST" in answer.headers["allow"]
