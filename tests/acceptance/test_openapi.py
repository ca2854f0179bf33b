"""The OpenAPI document is true: requests are accepted and refused exactly as it states."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tidings.contracts.codec import encode
from tidings.contracts.documents import asyncapi
from tidings.runtime.http.idempotency.middleware import KEY_HEADER
from tidings.runtime.settings import Settings

from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web_processes import run_web

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
DOCUMENT = "/schema/openapi.json"
UNKEYED = "post /v1/tickets"
"""Its answers are secrets, which are not stored."""


@pytest.fixture
async def driver(tidings: Tidings, chosen: Settings) -> AsyncIterator[Tidings]:
    """Run a process for one test, with a user who has a few notifications."""
    async with (
        run_web(chosen, request_rate="off", ticket_rate="off", stranger_rate="off") as running,
        make_driver_at(tidings, running.url) as own_driver,
    ):
        await own_driver.emit(
            *(make_announcement("alice", title=str(number)) for number in range(3))
        )
        await own_driver.wait_for_counts("alice", total=3)
        yield own_driver


async def fetch_document(tidings: Tidings) -> dict[str, Any]:
    response = await tidings.http.get(DOCUMENT)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.timeout(400)
async def test_requests_are_answered_as_the_document_states(
    driver: Tidings, tmp_path: Path
) -> None:
    command = (
        Path(sys.executable).with_name("st"),
        "--config-file",
        CONFIGURATION,
        "run",
        driver.url + DOCUMENT,
    )
    options = (
        "--header",
        f"Authorization: {driver.headers('alice')['Authorization']}",
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


async def test_every_operation_is_described_completely(tidings: Tidings) -> None:
    operations = {
        f"{method} {path}": operation
        for path, item in (await fetch_document(tidings))["paths"].items()
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
        assert {"400", "408", "414", "421", "429", "431"} <= operation["responses"].keys(), name
        if name.startswith("post") and name != UNKEYED:
            assert {"409", "422"} <= operation["responses"].keys(), name


async def test_only_an_operation_whose_answer_is_stored_takes_an_idempotency_key(
    tidings: Tidings,
) -> None:
    keyed = {
        f"{method} {path}"
        for path, item in (await fetch_document(tidings))["paths"].items()
        for method, operation in item.items()
        if any(parameter["name"] == KEY_HEADER for parameter in operation["parameters"])
    }

    assert "post /v1/events" in keyed
    assert UNKEYED not in keyed


async def test_the_asyncapi_document_is_served_too(tidings: Tidings) -> None:
    answer = await tidings.http.get("/asyncapi.json")

    assert answer.json() == msgspec.json.decode(
        encode(asyncapi.asyncapi_document(answer.url.netloc.decode()))
    )


async def test_the_refusals_of_a_stream_are_in_the_document(tidings: Tidings) -> None:
    responses = (await fetch_document(tidings))["paths"]["/v1/stream"]["get"]["responses"]

    answers = [
        await tidings.http.get("/v1/stream"),
        await tidings.http.get("/v1/stream", headers=tidings.headers(scope="emit")),
    ]

    for answer in answers:
        assert str(answer.status_code) in responses
        check_problem(answer, 401, 403)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_wrong_method_is_refused_with_the_allowed_ones(
    tidings: Tidings, method: str
) -> None:
    answer = await tidings.http.request(method, "/v1/events", headers=tidings.headers())

    check_problem(answer, 405)
    assert "POST" in answer.headers["allow"]
