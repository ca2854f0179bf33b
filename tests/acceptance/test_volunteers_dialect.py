"""The volunteer projects' front end, written for its own server, on Tidings: /notifications and its stream."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.acceptance.frontends import event_source
from tests.acceptance.refused import refused
from tests.driver import Tidings, event, hello_to

KEYS = {
    "id",
    "user_id",
    "title",
    "message",
    "type",
    "related_project_id",
    "related_task_id",
    "is_read",
    "created_at",
}
UNKNOWN = "/notifications/6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de"


async def ask(tidings: Tidings, method: str, path: str, **query: Any) -> httpx.Response:
    return await tidings.http.request(method, path, params=query, headers=tidings.headers("alice"))


async def assign(tidings: Tidings, *titles: str) -> None:
    """Give Alice tasks."""
    tasks = (
        event("task.assigned", task_id=title, task_title=title, user_id="alice", project_id="7")
        for title in titles
    )
    await tidings.emit(*tasks)


async def test_the_stream_says_what_the_list_says_and_an_announcement_is_called_so(
    tidings: Tidings,
) -> None:
    async with event_source(tidings) as stream:
        connected = await stream.next("connected")
        await assign(tidings, "Paint")
        told = await stream.next("notification")
        await tidings.emit(hello_to("alice", message="Closed on Monday"))
        announced = await stream.next("system_announcement")
        beat = await stream.next("ping")

    listed = (await ask(tidings, "GET", "/notifications")).json()["notifications"]
    assert connected.keys() == {"user_id", "connection_id"} and connected["user_id"] == "alice"
    assert told.keys() == KEYS | {"notification_id"} and told["notification_id"] == told["id"]
    assert (told["related_project_id"], told["related_task_id"], told["is_read"]) == (
        "7",
        "Paint",
        False,
    )
    assert announced["message"] == "Closed on Monday" and beat.keys() == {"timestamp"}
    assert listed[1] == {name: value for name, value in told.items() if name != "notification_id"}


async def test_an_event_source_that_comes_back_goes_on_after_the_last_event_it_has(
    tidings: Tidings,
) -> None:
    await assign(tidings, "0")
    async with event_source(tidings) as stream:
        await stream.next("notification")
        last = stream.last
    await assign(tidings, "1", "2")

    for _ in range(2):
        async with event_source(tidings, last) as again:
            assert [(await again.next("notification"))["related_task_id"] for _ in range(2)] == [
                "1",
                "2",
            ]
    async with event_source(tidings) as reloaded:
        await assign(tidings, "3")
        assert (await reloaded.next("notification"))["related_task_id"] == "3"


async def test_lists_counts_and_marks_have_their_old_shapes(tidings: Tidings) -> None:
    await assign(tidings, *"abcde")
    await tidings.eventually("alice", total=5)
    page = (await ask(tidings, "GET", "/notifications", limit=2, offset=1)).json()
    first, second = (each["id"] for each in page["notifications"])

    read = (await ask(tidings, "PATCH", f"/notifications/{first}/read")).json()
    again = (await ask(tidings, "PATCH", f"/notifications/{first}/read")).json()
    deleted = (await ask(tidings, "DELETE", f"/notifications/{second}")).json()
    unread = (await ask(tidings, "GET", "/notifications", unread_only="true", offset=2)).json()
    count = (await ask(tidings, "GET", "/notifications/unread-count")).json()
    all_read = [
        (await ask(tidings, "POST", "/notifications/mark-all-read")).json() for _ in range(2)
    ]

    assert page.keys() == {"notifications", "total", "limit", "offset", "unread_count"}
    assert [each["related_task_id"] for each in page["notifications"]] == ["d", "c"]
    assert (page["total"], page["limit"], page["offset"], page["unread_count"]) == (5, 2, 1, 5)
    assert read.keys() == {"id", "is_read", "read_at"} and read["id"] == first and read["is_read"]
    assert again["id"] == first and deleted == {"message": "Notification deleted successfully"}
    assert [each["related_task_id"] for each in unread["notifications"]] == ["a"] and unread[
        "total"
    ] == 3
    assert count == {"unread_count": 3} and all_read == [
        {"marked_as_read": 3},
        {"marked_as_read": 0},
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/notifications?limit=0", 400),
        ("GET", "/notifications?offset=-1", 400),
        ("GET", "/notifications?unread_only=perhaps", 400),
        ("PATCH", f"{UNKNOWN}/read", 404),
        ("DELETE", UNKNOWN, 404),
        ("DELETE", "/notifications/1", 404),
        ("POST", "/notifications/stream", 405),
    ],
)
async def test_what_makes_no_sense_is_refused(
    tidings: Tidings, method: str, path: str, status: int
) -> None:
    refused(await tidings.http.request(method, path, headers=tidings.headers("alice")), status)


async def test_without_a_token_nobody_reads(tidings: Tidings) -> None:
    for path in (
        "/notifications",
        "/notifications/unread-count",
        "/notifications/stream",
        "/notifications/stream?token=forged",
    ):
        refused(await tidings.http.get(path), 401)
    assert (
        await tidings.http.get("/notifications", params={"token": tidings.token("alice")})
    ).status_code == 401
