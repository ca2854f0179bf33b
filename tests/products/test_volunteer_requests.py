"""The requests, stream and integration test that the volunteer projects' document prints."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import httpx
import pytest

from tests.builders import make_event
from tests.driver import Tidings
from tests.products.documents import VOLUNTEERS, read_document

REQUEST = re.compile(
    r"(?P<method>[A-Z]+) (?P<path>\S+)\n(?P<fields>(?:[\w-]+: [^\n]*\n)*)\n"
    r"Response (?P<status>\d+):\n(?P<body>.*)",
    re.DOTALL,
)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
USER = "123"
BUILD_API = {"task_id": "456", "task_title": "Build API", "project_id": "789", "user_id": USER}


class PrintedRequest(NamedTuple):
    """A request of the document and the answer that it prints."""

    method: str
    path: str
    status: int
    body: Any


def printed_requests() -> dict[str, PrintedRequest]:
    """Return the document's requests by the headings above them."""
    found = dict[str, PrintedRequest]()
    for block in read_document(VOLUNTEERS).code_blocks:
        if block.language == "http" and (match := REQUEST.match(block.code)):
            found[block.heading] = PrintedRequest(
                match["method"], match["path"], int(match["status"]), json.loads(match["body"])
            )
    return found


def documented_types() -> set[str]:
    """Return the values of `type` that the document's table of notifications names."""
    schema = read_document(VOLUNTEERS).block("sql", "CREATE TABLE notifications")
    [values] = re.findall(r"^ *type .*-- (.*)$", schema, re.MULTILINE)
    return {*values.split(", ")}


def with_text_ids(value: Any, name: str = "") -> Any:
    """Return a printed value with its ids as text: ids are strings here."""
    match value:
        case dict():
            return {key: with_text_ids(each, key) for key, each in value.items()}
        case list():
            return [with_text_ids(each) for each in value]
        case int() if name.endswith("id"):
            return str(value)
        case _:
            return value


def without_own_values(value: Any) -> Any:
    """Return a value with moments and the ids of notifications and connections blanked out."""
    match value:
        case dict():
            return {
                key: "-" if key in ("id", "notification_id") else without_own_values(each)
                for key, each in value.items()
            }
        case list():
            return [without_own_values(each) for each in value]
        case str() if MOMENT.match(value):
            return "moment"
        case _:
            return value


async def send_printed(
    tidings: Tidings, heading: str, identifier: str
) -> tuple[PrintedRequest, Any]:
    """Send a request as printed, with the id of a notification for its `1`."""
    printed = printed_requests()[heading]
    path = printed.path.replace("/1", f"/{identifier}")
    answer = await tidings.http.request(printed.method, path, headers=tidings.headers(USER))
    assert answer.status_code == printed.status, answer.text
    return printed, answer.json()


async def test_the_document_prints_five_requests() -> None:
    assert len(printed_requests()) == 5


async def test_every_printed_request_has_the_printed_answer(tidings: Tidings) -> None:
    earlier = [
        make_event("task.assigned", **{**BUILD_API, "task_title": str(number)})
        for number in range(9)
    ]
    await tidings.emit(*earlier)
    await tidings.wait_for_counts(USER, total=9)
    read_ids = [each["id"] for each in (await tidings.list_all(USER))[2:]]
    await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "read", "ids": read_ids},
        headers=tidings.headers(USER),
    )
    await tidings.emit(make_event("task.assigned", **BUILD_API))
    await tidings.wait_for_counts(USER, total=10, unread=3)
    newest = (await tidings.list_all(USER))[0]["id"]

    listed, page = await send_printed(tidings, "Get Notifications", newest)
    [printed_row], first_row = listed.body.pop("notifications"), page["notifications"][0]
    rows = page.pop("notifications")
    assert page == listed.body
    assert first_row.pop("read_at") is None
    assert without_own_values(first_row) == without_own_values(with_text_ids(printed_row))
    assert first_row["id"] == newest and len(rows) == 10
    assert {row["type"] for row in rows} <= documented_types()

    for heading in ("Get Unread Count", "Mark as Read"):
        printed, answer = await send_printed(tidings, heading, newest)
        assert without_own_values(answer) == without_own_values(printed.body)
    await tidings.emit(make_event("task.assigned", **BUILD_API))
    await tidings.wait_for_counts(USER, total=11, unread=3)
    for heading in ("Mark All as Read", "Delete Notification"):
        printed, answer = await send_printed(tidings, heading, newest)
        assert answer == printed.body
    await tidings.wait_for_counts(USER, total=10, unread=0)


async def test_every_type_of_notification_is_one_that_the_document_names(tidings: Tidings) -> None:
    levels = ("info", "success", "warning", "error")
    await tidings.emit(
        *(
            make_event(
                "notification.requested", to={"users": [USER]}, title="-", message="-", level=level
            )
            for level in levels
        )
    )
    await tidings.wait_for_counts(USER, total=4)
    answer = await tidings.http.get("/notifications", headers=tidings.headers(USER))

    assert {row["type"] for row in answer.json()["notifications"]} == documented_types()


async def test_a_limit_over_100_is_cut_and_one_under_1_is_refused(tidings: Tidings) -> None:
    answers = [
        await tidings.http.get(f"/notifications?limit={limit}", headers=tidings.headers(USER))
        for limit in (200, 100, 0, -1)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 400, 400]
    assert answers[0].json()["limit"] == 100


async def test_the_stream_has_the_printed_events_and_fields(tidings: Tidings) -> None:
    block = read_document(VOLUNTEERS).block("http", "event: connected")
    printed = {
        name: json.loads(data.replace("...", "-"))
        for name, data in re.findall(r"event: (\w+)\ndata: (.*)", block)
    }
    received = dict[str, Any]()
    async with (
        asyncio.timeout(60),
        tidings.http.stream(
            "GET",
            "/notifications/stream",
            headers={**tidings.headers(USER), "Accept": "text/event-stream"},
        ) as response,
    ):
        lines, name = response.aiter_lines(), ""
        async for line in lines:
            field, _, value = line.partition(": ")
            name = value if field == "event" else name
            if field == "data":
                received[name] = json.loads(value)
                if name == "connected":
                    await tidings.emit(make_event("task.assigned", **BUILD_API))
            if received.keys() >= printed.keys():
                break

    assert response.headers["content-type"].startswith("text/event-stream")
    assert received["connected"].keys() == printed["connected"].keys()
    assert received["connected"]["user_id"] == str(printed["connected"]["user_id"])
    assert received["ping"].keys() == printed["ping"].keys()
    assert MOMENT.match(received["ping"]["timestamp"])
    assert received["notification"].keys() >= printed["notification"].keys()
    assert received["notification"]["notification_id"] == received["notification"]["id"]


class ByteLines(NamedTuple):
    """A response whose lines are bytes, as those of the test client that the document uses."""

    response: httpx.Response

    def iter_lines(self) -> Iterator[bytes]:
        return (line.encode() for line in self.response.iter_lines())


class TestClient(NamedTuple):
    """The part of FastAPI's test client that the document's integration test uses."""

    __test__ = False
    url: str

    @contextmanager
    def stream(self, method: str, path: str, *, headers: dict[str, str]) -> Iterator[ByteLines]:
        with httpx.stream(method, self.url + path, headers=headers, timeout=30) as response:
            yield ByteLines(response)


async def test_r17_the_integration_test_of_the_document_passes(
    tidings: Tidings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = read_document(VOLUNTEERS).block("python", "def test_sse_stream")
    for name in ("fastapi", "fastapi.testclient"):
        module = ModuleType(name)
        module.__dict__["TestClient"] = TestClient
        monkeypatch.setitem(sys.modules, name, module)
    printed: dict[str, Any] = {}
    exec(code, printed)

    await asyncio.to_thread(
        printed["test_sse_stream"], TestClient(tidings.url), tidings.headers(USER)
    )
