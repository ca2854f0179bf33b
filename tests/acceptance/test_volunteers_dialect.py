"""The volunteer product's own front end on Tidings: /notifications and its stream."""

from __future__ import annotations

import asyncio

import pytest

from tests.acceptance.frontends import open_event_source, request_as_alice
from tests.acceptance.problems import check_problem
from tests.builders import make_announcement, make_event
from tests.driver import Tidings

KEYS = {
    "id",
    "user_id",
    "title",
    "message",
    "type",
    "related_project_id",
    "related_task_id",
    "is_read",
    "read_at",
    "created_at",
}
UNKNOWN = "/notifications/6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de"


async def assign_tasks(tidings: Tidings, *titles: str) -> None:
    """Assign tasks with these titles to Alice."""
    tasks = (
        make_event(
            "task.assigned", task_id=title, task_title=title, user_id="alice", project_id="7"
        )
        for title in titles
    )
    await tidings.emit(*tasks)


async def test_the_stream_and_the_list_agree_and_an_announcement_has_its_own_type(
    tidings: Tidings,
) -> None:
    await tidings.emit(make_event("user.joined", user_id="alice"))
    async with open_event_source(tidings) as stream:
        greeting = await stream.next("connected")
        await assign_tasks(tidings, "Paint")
        notification = await stream.next("notification")
        await tidings.emit(make_announcement(message="Closed", to={"everyone": True}))
        announcement = await stream.next("system_announcement")
        heartbeat = await stream.next("ping")

    notifications = (await request_as_alice(tidings, "GET", "/notifications")).json()[
        "notifications"
    ]
    assert greeting.keys() == {"user_id", "connection_id"} and greeting["user_id"] == "alice"
    assert (
        notification.keys() == KEYS | {"notification_id"}
        and notification["notification_id"] == notification["id"]
    )
    assert (
        notification["related_project_id"],
        notification["related_task_id"],
        notification["is_read"],
    ) == (
        "7",
        "Paint",
        False,
    )
    assert announcement["message"] == "Closed" and heartbeat.keys() == {"timestamp"}
    assert notifications[1] == {
        name: value for name, value in notification.items() if name != "notification_id"
    }


async def test_an_event_source_resumes_after_its_last_event(
    tidings: Tidings,
) -> None:
    await assign_tasks(tidings, "0")
    async with open_event_source(tidings) as stream:
        await stream.next("notification")
        last = stream.last
    await assign_tasks(tidings, "1", "2")

    for _ in range(2):
        async with open_event_source(tidings, last) as again:
            assert [(await again.next("notification"))["related_task_id"] for _ in range(2)] == [
                "1",
                "2",
            ]
    async with open_event_source(tidings) as new_source:
        await assign_tasks(tidings, "3")
        assert (await new_source.next("notification"))["related_task_id"] == "3"


async def test_lists_counts_and_marks_have_their_old_shapes(tidings: Tidings) -> None:
    await assign_tasks(tidings, *"abcde")
    await tidings.wait_for_counts("alice", total=5)
    page = (await request_as_alice(tidings, "GET", "/notifications", limit=2, offset=1)).json()
    first, second = (notification["id"] for notification in page["notifications"])

    read_answer = (await request_as_alice(tidings, "PATCH", f"/notifications/{first}/read")).json()
    second_read = (await request_as_alice(tidings, "PATCH", f"/notifications/{first}/read")).json()
    delete_answer = (await request_as_alice(tidings, "DELETE", f"/notifications/{second}")).json()
    unread_page = (
        await request_as_alice(tidings, "GET", "/notifications", unread_only="true", offset=2)
    ).json()
    count = (await request_as_alice(tidings, "GET", "/notifications/unread-count")).json()
    all_read = [
        (await request_as_alice(tidings, "POST", "/notifications/mark-all-read")).json()
        for _ in range(2)
    ]

    assert page.keys() == {"notifications", "total", "limit", "offset", "unread_count"}
    assert [notification["related_task_id"] for notification in page["notifications"]] == ["d", "c"]
    assert (page["total"], page["limit"], page["offset"], page["unread_count"]) == (5, 2, 1, 5)
    assert (
        read_answer.keys() == {"id", "is_read", "read_at"}
        and read_answer["id"] == first
        and read_answer["is_read"]
    )
    assert second_read["id"] == first and delete_answer == {
        "message": "Notification deleted successfully"
    }
    assert [notification["related_task_id"] for notification in unread_page["notifications"]] == [
        "a"
    ] and unread_page["total"] == 3
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
async def test_an_invalid_request_is_refused(
    tidings: Tidings, method: str, path: str, status: int
) -> None:
    check_problem(
        await tidings.http.request(method, path, headers=tidings.headers("alice")), status
    )


async def test_requests_without_a_token_are_refused(tidings: Tidings) -> None:
    for path in (
        "/notifications",
        "/notifications/unread-count",
        "/notifications/stream",
        "/notifications/stream?token=forged",
    ):
        check_problem(await tidings.http.get(path), 401)
    assert (
        await tidings.http.get("/notifications", params={"token": tidings.token("alice")})
    ).status_code == 401


@pytest.mark.parametrize("path", ["/v1/stream", "/notifications/stream"])
async def test_every_block_of_a_stream_is_an_event_with_data(tidings: Tidings, path: str) -> None:
    headers = tidings.headers("alice")
    async with (
        asyncio.timeout(10),
        tidings.http.stream("GET", path, headers=headers) as response,
    ):
        block: list[str] = []
        async for line in response.aiter_lines():
            if not line:
                break
            block.append(line)

    # The product's own integration test wants the event's name first: `event: connected`.
    assert block[0] == ("event: hello" if path == "/v1/stream" else "event: connected")
    assert sum(line.startswith("data: ") for line in block) == 1
    assert block[-1] == "retry: 2000"
