"""Lists: a user's notifications filtered by state, kind, time and text, with pages and counts."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement, make_event, make_task_assigned
from tests.driver import Client, Tidings


@pytest.fixture
async def alice(tidings: Tidings) -> Client:
    """Return a client with two tasks, one of them completed, and two announcements."""
    alice = await (await tidings.connect("alice")).live()
    await tidings.emit(
        make_task_assigned(1, "Water the 100% blue_bells"), make_task_assigned(2, "Weed")
    )
    await tidings.emit(
        make_announcement("alice", title="Fête", message="on the \\lawn", priority="high"),
        make_announcement("alice", title="Low", priority="low"),
    )
    await tidings.emit(make_event("task.completed", task_id="1", task_title="Water"))
    await alice.until(5)
    return alice


async def test_a_list_right_after_a_mark_shows_it_in_a_stream_of_entries(
    tidings: Tidings,
) -> None:
    alice = await (await tidings.connect("alice")).live()

    async def emit_without_end() -> None:
        while True:
            await tidings.emit(make_announcement("bob"))

    async def newest_id(count: int) -> str:
        while len(notes := [entry for entry in alice.entries if "title" in entry]) < count:
            await alice.next("entries")
        return notes[-1]["id"]

    emitting = asyncio.create_task(emit_without_end())
    for number in range(1, 11):
        await tidings.emit(make_announcement("alice", title=str(number)))
        newest = await newest_id(number)

        result = await alice.mark("read", newest)
        page = await tidings.get("/v1/notifications", "alice", state="all", limit=1)

        assert result["ok"]
        assert (page["notifications"][0]["id"], page["counts"]["unread"]) == (newest, 0)
    emitting.cancel()
    await asyncio.gather(emitting, return_exceptions=True)


async def list_titles(tidings: Tidings, **query: Any) -> list[str]:
    return [
        notification["title"]
        for notification in (await tidings.get("/v1/notifications", "alice", **query))[
            "notifications"
        ]
    ]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"category": "task"}, ["Task Completed", "Task Assigned", "Task Assigned"]),
        ({"type": "task.completed"}, ["Task Completed"]),
        ({"type": ["task.completed", "announcement.published"]}, ["Task Completed", "Low", "Fête"]),
        ({"priority": "high"}, ["Fête"]),
        ({"priority": ["high", "low"]}, ["Low", "Fête"]),
        ({"entity": "task:1"}, ["Task Completed", "Task Assigned"]),
        (
            {"entity": ["task:1", "task:2"], "type": "task.assigned"},
            ["Task Assigned", "Task Assigned"],
        ),
        ({"group": "none"}, []),
        ({"q": "fÊte"}, ["Fête"]),
        ({"q": "LAWN"}, ["Fête"]),
        ({"q": "\\lawn"}, ["Fête"]),
        ({"q": "100%"}, ["Task Assigned"]),
        ({"q": "e_b"}, ["Task Assigned"]),
        ({"q": "1%blue"}, []),
        ({"q": "'; DROP TABLE x; --"}, []),
        ({"category": "task", "q": "weed", "state": "unread"}, ["Task Assigned"]),
        ({"category": "task", "state": "archived"}, []),
        ({"since": "2099-01-01T00:00:00Z"}, []),
        ({"until": "2099-01-01T00:00:00Z", "priority": "high"}, ["Fête"]),
        ({"until": "1999-01-01T00:00:00+05:00"}, []),
    ],
    ids=str,
)
async def test_a_list_shows_what_matches_all_filters(
    tidings: Tidings, alice: Client, query: dict[str, Any], titles: list[str]
) -> None:
    assert await list_titles(tidings, **query) == titles


async def test_a_time_range_includes_its_start_and_excludes_its_end(
    tidings: Tidings, alice: Client
) -> None:
    times = sorted(notification["created"] for notification in alice.notifications.values())

    later_page = await tidings.get("/v1/notifications", "alice", since=times[2])
    earlier_page = await tidings.get("/v1/notifications", "alice", until=times[2])

    assert sorted(notification["created"] for notification in later_page["notifications"]) == [
        notification for notification in times if notification >= times[2]
    ]
    assert sorted(notification["created"] for notification in earlier_page["notifications"]) == [
        notification for notification in times if notification < times[2]
    ]


async def test_pages_of_a_filtered_list_repeat_and_lose_nothing_while_more_arrives(
    tidings: Tidings, alice: Client
) -> None:
    await tidings.emit(
        *(make_task_assigned(number, "Dig") for number in range(40)),
        *(make_announcement("alice") for _ in range(20)),
    )
    await alice.until(65)
    expected_ids = [
        name
        for name in reversed(alice.notifications)
        if alice.notifications[name]["category"] == "task"
    ]

    ids, before = list[str](), None
    while before is not None or not ids:
        page = await tidings.get(
            "/v1/notifications", "alice", category="task", limit=7, before=before
        )
        ids += [notification["id"] for notification in page["notifications"]]
        before = page["next"]
        await tidings.emit(make_task_assigned(99, "Meanwhile"))

    assert ids == expected_ids


async def test_counts_by_kind_come_in_one_call_and_add_up(tidings: Tidings, alice: Client) -> None:
    await alice.mark("read", filter={"entity": "task:1"})
    await alice.mark("snoozed", filter={"entity": "task:2"}, until="2026-12-25T00:00:00Z")

    counts = await tidings.get(
        "/v1/counts", "alice", by=["category", "type", "priority", "entity", "group"]
    )

    assert (
        {name: counts[name] for name in ("unread", "unseen", "total")}
        == alice.counts
        == {"unread": 2, "unseen": 2, "total": 4}
    )
    by_kind = counts["by"]
    assert by_kind["category"] == {
        "system_announcement": {"unread": 2, "unseen": 2, "total": 2},
        "task": {"unread": 0, "unseen": 0, "total": 2},
    }
    assert by_kind["type"].keys() == {"task.assigned", "task.completed", "announcement.published"}
    assert (
        by_kind["entity"]["task:1"] == {"unread": 0, "unseen": 0, "total": 2}
        and "task:2" not in by_kind["entity"]
    )
    assert by_kind["group"] == {}
    for kind in ("category", "type", "priority", "entity"):
        assert (
            sum(notification["unread"] for notification in by_kind[kind].values())
            == counts["unread"]
        )
        assert (
            sum(notification["total"] for notification in by_kind[kind].values()) == counts["total"]
        )
    assert await tidings.get("/v1/counts", "alice") == alice.counts


async def test_each_count_by_kind_is_the_length_of_its_list(
    tidings: Tidings, alice: Client
) -> None:
    await alice.mark("seen", *alice.visible_ids[:2])
    await alice.mark("archived", alice.visible_ids[1])

    by_kind = (await tidings.get("/v1/counts", "alice", by=["category", "priority"]))["by"]

    for kind, values in by_kind.items():
        for value, counts in values.items():
            for state, name in (("all", "total"), ("unread", "unread"), ("unseen", "unseen")):
                assert (
                    len(await list_titles(tidings, state=state, **{kind: value})) == counts[name]
                ), (
                    kind,
                    value,
                    state,
                )


async def test_the_count_of_each_list_is_its_length(tidings: Tidings, alice: Client) -> None:
    first, second, third, fourth, *_ = alice.visible_ids
    await alice.mark("snoozed", first, second, until="2026-12-25T00:00:00Z")
    # Archiving `second` ends its snooze.
    await alice.mark("archived", second, third, fourth)
    await alice.mark("deleted", fourth)

    by_list = (await tidings.get("/v1/counts", "alice", by="list"))["by"]["list"]

    assert {name: counts["total"] for name, counts in by_list.items()} == {
        name: len(await tidings.list_all("alice", name)) for name in ("all", "archived", "snoozed")
    }
    assert by_list["archived"]["total"] == 2 and by_list["snoozed"]["total"] == 1


@pytest.mark.parametrize(("name", "value"), [("state", "loved"), ("type", "a%00b"), ("limit", "0")])
async def test_an_invalid_parameter_is_reported_by_its_name(
    tidings: Tidings, name: str, value: str
) -> None:
    answer = await tidings.http.get(
        f"/v1/notifications?{name}={value}", headers=tidings.headers("alice")
    )

    assert {error["key"] for error in check_problem(answer, 400)["errors"]} == {name}


async def test_a_single_notification_is_shown_in_its_current_state_in_any_list(
    tidings: Tidings, alice: Client
) -> None:
    note = alice.visible_ids[0]

    for state, more in (
        ("read", {}),
        ("archived", {}),
        ("snoozed", {"until": "2026-12-25T00:00:00Z"}),
    ):
        await alice.mark(state, note, **more)
        assert await tidings.get(f"/v1/notifications/{note}", "alice") == alice.notifications[note]


async def test_notifications_of_others_and_missing_ones_answer_alike(
    tidings: Tidings, alice: Client
) -> None:
    note, deleted_note = alice.visible_ids[:2]
    await alice.mark("deleted", deleted_note)

    answers = [
        await tidings.http.get(
            f"/v1/notifications/{identifier}", headers=tidings.headers(user, **claims)
        )
        for user, identifier, claims in (
            ("bob", note, {}),
            ("alice", note, {"tenant": "another"}),
            ("alice", deleted_note, {}),
            ("alice", str(uuid4()), {}),
        )
    ]

    problems = [check_problem(answer, 404) for answer in answers]
    assert all(problem == problems[0] for problem in problems)
    assert note not in json.dumps(problems)


@pytest.mark.parametrize(
    "query",
    [
        "state=loved",
        "limit=0",
        "limit=101",
        "limit=many",
        "before=nonsense",
        "priority=urgent",
        "entity=task",
        "entity=:1",
        "category=",
        "category=a%00b",
        "group=" + "x" * 321,
        "q=",
        "q=" + "x" * 101,
        "q=a%00b",
        "since=yesterday",
        "since=2026-01-02T03:04:05",
        "until=2026-13-02T03:04:05Z",
        "&".join(f"category={number}" for number in range(21)),
    ],
)
async def test_an_invalid_list_query_is_refused(tidings: Tidings, query: str) -> None:
    check_problem(
        await tidings.http.get(f"/v1/notifications?{query}", headers=tidings.headers("alice")), 400
    )


@pytest.mark.parametrize("query", ["by=colour", "by=", "by=category&by=colour"])
async def test_counts_by_an_unknown_kind_are_refused(tidings: Tidings, query: str) -> None:
    check_problem(
        await tidings.http.get(f"/v1/counts?{query}", headers=tidings.headers("alice")), 400
    )


@pytest.mark.parametrize(
    "identifier", ["1", "nonsense", quote("../counts", safe=""), "%00", "0" * 32 + "x"]
)
async def test_an_invalid_identifier_is_not_found(tidings: Tidings, identifier: str) -> None:
    check_problem(
        await tidings.http.get(f"/v1/notifications/{identifier}", headers=tidings.headers("alice")),
        404,
    )


async def test_a_snoozed_notification_is_listed_again_after_its_time(
    tidings: Tidings, alice: Client
) -> None:
    note = alice.visible_ids[0]

    await alice.mark(
        "snoozed",
        note,
        until=datetime.fromtimestamp(datetime.now(UTC).timestamp() + 0.5, UTC).isoformat(),
    )

    assert note not in {notification["id"] for notification in await tidings.list_all("alice")}
    await tidings.wait_for_counts("alice", total=5, unread=5)
    assert (await tidings.list_all("alice"))[0]["id"] == note
    assert await tidings.list_all("alice", "snoozed") == []
