"""CloudEvents as the official SDKs write and read them, and as their specification has them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.acceptance.problems import BATCH, ONE, check_problem, post_events
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.npm_packages import run_node
from tests.streams import read_stored_events

SCRIPT = Path(__file__).with_name("cloudevents.mjs")
DATA: dict[str, Any] = {"title": "Hello", "message": "there", "to": {"users": ["alice"]}}


def make_cloud_event(**attributes: str) -> CloudEvent:
    return CloudEvent(
        {"id": uuid4().hex, "source": "/py", "type": "announcement.published", **attributes}, DATA
    )


def encode_event(**fields: Any) -> bytes:
    event = {**make_announcement("alice"), **fields}
    return json.dumps({name: value for name, value in event.items() if value != ...}).encode()


async def read_stored_data(tidings: Tidings) -> list[Any]:
    return [json.loads(message.data)["data"] for message in await read_stored_events(tidings)]


async def test_the_javascript_sdk_emits_in_every_mode(tidings: Tidings) -> None:
    printed = await run_node(SCRIPT, tidings.url, tidings.token())

    answers = {mode: (status, body) for mode, status, body in map(json.loads, printed.splitlines())}
    assert {mode: status for mode, (status, _) in answers.items()} == dict.fromkeys(answers, 200), (
        answers
    )
    assert [answers[mode][1]["events"] for mode in ("binary", "batch", "empty")] == [1, 2, 0]
    assert await read_stored_data(tidings) == [DATA] * 9


@pytest.mark.parametrize("write", [to_structured, to_binary])
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/news+json"]
)
async def test_the_python_sdk_emits_and_reads_what_the_log_has(
    tidings: Tidings, write: Any, content_type: str
) -> None:
    message = write(make_cloud_event(datacontenttype=content_type, subject="a/b"), JSONFormat())

    answer = await tidings.http.post(
        "/v1/events", content=message.body, headers={**message.headers, **tidings.headers()}
    )

    assert answer.status_code == 200, answer.text
    stored = (await read_stored_events(tidings))[-1]
    read = from_structured(HTTPMessage({"content-type": ONE}, stored.data), JSONFormat())
    assert (read.get_source(), read.get_subject(), read.get_data()) == ("/py", "a/b", DATA)
    assert read.get_datacontenttype() == content_type


async def test_data_in_base64_is_stored_as_json_on_one_line(tidings: Tidings) -> None:
    text = json.dumps(DATA, indent=4).encode()

    answer = await post_events(
        tidings, encode_event(data=..., data_base64=base64.b64encode(text).decode())
    )

    assert answer.status_code == 200, answer.text
    stored = (await read_stored_events(tidings))[-1]
    assert json.loads(stored.data)["data"] == DATA
    assert b"\n" not in stored.data and b"data_base64" not in stored.data


async def test_attributes_in_headers_are_unquoted_and_decoded(tidings: Tidings) -> None:
    answer = await tidings.http.post(
        "/v1/events",
        content=json.dumps(DATA),
        headers={
            **tidings.headers(),
            "Content-Type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": uuid4().hex,
            "ce-source": "/caf%C3%A9",
            "ce-type": '"announcement.published"',
            "ce-subject": r'"room \"9\""',
        },
    )

    assert answer.status_code == 200, answer.text
    stored = json.loads((await read_stored_events(tidings))[-1].data)
    assert (stored["source"], stored["subject"]) == ("/café", 'room "9"')


async def test_an_empty_batch_is_accepted(tidings: Tidings) -> None:
    answer = await post_events(tidings, b"[]", BATCH)

    assert (answer.status_code, answer.json()["events"]) == (200, 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"data_base64": "e30="}, "data_base64"),
        ({"data": ..., "data_base64": "e30"}, "data_base64"),
        ({"data": ..., "data_base64": "bm8="}, "data_base64"),
        ({"data": ..., "data_base64": 5}, "data_base64"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
        ({"datacontenttype": "application/jsonx"}, "datacontenttype"),
        ({"datacontenttype": "application/json\n"}, "datacontenttype"),
    ],
)
async def test_data_that_is_no_json_is_refused(
    tidings: Tidings, fields: dict[str, Any], field: str
) -> None:
    answer = await post_events(tidings, encode_event(**fields))

    problem = check_problem(answer, 400)
    assert (problem["field"], problem["type"]) == (field, "/schema#event-rejected")
    assert await read_stored_events(tidings) == []


async def test_a_header_that_is_not_utf_8_is_refused(tidings: Tidings) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/%FF", "ce-type": "a.b"}

    answer = await post_events(tidings, b"{}", "application/json", **headers)

    assert check_problem(answer, 400)["field"] == "ce-source"
