"""Lists: a person's notifications by state, kind, time and words, in pages; counts by kind; single ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.acceptance.refused import refused
from tests.driver import Client, Tidings, event, hello_to


def assigned(number: int, title: str, user: str = "alice") -> dict[str, Any]:
    return event("task.assigned", task_id=str(number), task_title=title, user_id=user)


@pytest.fixture
async def alice(tidings: Tidings) -> Client:
    """Somebody with two tasks, one of them done, and two announcements."""
    alice = await (await tidings.connect("alice")).live()
    await tidings.emit(assigned(1, "Water the 100% blue_bells"), assigned(2, "Weed"))
    await tidings.emit(
        hello_to("alice", title="Fête", message="on the \\lawn", priority="high"),
        hello_to("alice", title="Low", priority="low"),
    )
    await tidings.emit(event("task.completed", task_id="1", task_title="Water"))
    await alice.until(5)
    return alice


async def titles(tidings: Tidings, **asked: Any) -> list[str]:
    return [
        each["title"]
        for each in (await tidings.get("/v1/notifications", "alice", **asked))["notifications"]
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"category": "task"}, ["Task completed", "Task assigned", "Task assigned"]),
        ({"type": "task.completed"}, ["Task completed"]),
        ({"type": ["task.completed", "announcement.published"]}, ["Task completed", "Low", "Fête"]),
        ({"priority": "high"}, ["Fête"]),
        ({"priority": ["high", "low"]}, ["Low", "Fête"]),
        ({"entity": "task:1"}, ["Task completed", "Task assigned"]),
        (
            {"entity": ["task:1", "task:2"], "type": "task.assigned"},
            ["Task assigned", "Task assigned"],
        ),
        ({"group": "none"}, []),
        ({"q": "fÊte"}, ["Fête"]),
        ({"q": "LAWN"}, ["Fête"]),
        ({"q": "\\lawn"}, ["Fête"]),
        ({"q": "100%"}, ["Task assigned"]),
        ({"q": "e_b"}, ["Task assigned"]),
        ({"q": "1%blue"}, []),
        ({"q": "'; DROP TABLE x; --"}, []),
        ({"category": "task", "q": "weed", "state": "unread"}, ["Task assigned"]),
        ({"category": "task", "state": "archived"}, []),
        ({"since": "2099-01-01T00:00:00Z"}, []),
        ({"until": "2099-01-01T00:00:00Z", "priority": "high"}, ["Fête"]),
        ({"until": "1999-01-01T00:00:00+05:00"}, []),
    ],
    ids=str,
)
async def test_a_list_shows_what_fits_all_that_is_asked(
    tidings: Tidings, alice: Client, asked: dict[str, Any], found: list[str]
) -> None:
    assert await titles(tidings, **asked) == found


async def test_a_range_takes_what_was_created_from_its_beginning_up_to_its_end(
    tidings: Tidings, alice: Client
) -> None:
    created = sorted(each["created"] for each in alice.notifications.values())

    since = await tidings.get("/v1/notifications", "alice", since=created[2])
    until = await tidings.get("/v1/notifications", "alice", until=created[2])

    assert sorted(each["created"] for each in since["notifications"]) == [
        each for each in created if each >= created[2]
    ]
    assert sorted(each["created"] for each in until["notifications"]) == [
        each for each in created if each < created[2]
    ]


async def test_pages_of_a_filtered_list_neither_repeat_nor_lose_anything_though_more_arrives(
    tidings: Tidings, alice: Client
) -> None:
    await tidings.emit(
        *(assigned(number, "Dig") for number in range(40)), *(hello_to("alice") for _ in range(20))
    )
    await alice.until(65)
    expected = [
        name
        for name in reversed(alice.notifications)
        if alice.notifications[name]["category"] == "task"
    ]

    found, before = list[str](), None
    while before is not None or not found:
        page = await tidings.get(
            "/v1/notifications", "alice", category="task", limit=7, before=before
        )
        found += [each["id"] for each in page["notifications"]]
        before = page["next"]
        await tidings.emit(assigned(99, "Meanwhile"))

    assert found == expected


async def test_counts_by_kind_come_in_one_call_and_add_up(tidings: Tidings, alice: Client) -> None:
    await alice.mark("read", filter={"entity": "task:1"})
    await alice.mark("snoozed", filter={"entity": "task:2"}, until="2026-12-25T00:00:00Z")

    found = await tidings.get(
        "/v1/counts", "alice", by=["category", "type", "priority", "entity", "group"]
    )

    assert (
        {name: found[name] for name in ("unread", "unseen", "total")}
        == alice.counts
        == {"unread": 2, "unseen": 2, "total": 4}
    )
    by = found["by"]
    assert by["category"] == {
        "system_announcement": {"unread": 2, "unseen": 2, "total": 2},
        "task": {"unread": 0, "unseen": 0, "total": 2},
    }
    assert by["type"].keys() == {"task.assigned", "task.completed", "announcement.published"}
    assert (
        by["entity"]["task:1"] == {"unread": 0, "unseen": 0, "total": 2}
        and "task:2" not in by["entity"]
    )
    assert by["group"] == {}
    for kind in ("category", "type", "priority", "entity"):
        assert sum(each["unread"] for each in by[kind].values()) == found["unread"]
        assert sum(each["total"] for each in by[kind].values()) == found["total"]
    assert await tidings.get("/v1/counts", "alice") == alice.counts


async def test_each_count_by_kind_is_the_length_of_its_list(
    tidings: Tidings, alice: Client
) -> None:
    await alice.mark("seen", *alice.shown[:2])
    await alice.mark("archived", alice.shown[1])

    by = (await tidings.get("/v1/counts", "alice", by=["category", "priority"]))["by"]

    for kind, values in by.items():
        for value, counted in values.items():
            for state, name in (("all", "total"), ("unread", "unread"), ("unseen", "unseen")):
                assert len(await titles(tidings, state=state, **{kind: value})) == counted[name], (
                    kind,
                    value,
                    state,
                )


async def test_the_count_of_each_list_is_its_length(tidings: Tidings, alice: Client) -> None:
    first, second, third, fourth, *_ = alice.shown
    await alice.mark("snoozed", first, second, until="2026-12-25T00:00:00Z")
    await alice.mark(
        "archived", second, third, fourth
    )  # what is archived is not snoozed any longer
    await alice.mark("deleted", fourth)

    by = (await tidings.get("/v1/counts", "alice", by="list"))["by"]["list"]

    assert {name: counted["total"] for name, counted in by.items()} == {
        name: len(await tidings.listing("alice", name)) for name in ("all", "archived", "snoozed")
    }
    assert by["archived"]["total"] == 2 and by["snoozed"]["total"] == 1


@pytest.mark.parametrize(("name", "value"), [("state", "loved"), ("type", "a%00b"), ("limit", "0")])
async def test_what_is_wrong_with_a_list_is_said_by_the_name_of_the_parameter(
    tidings: Tidings, name: str, value: str
) -> None:
    answer = await tidings.http.get(
        f"/v1/notifications?{name}={value}", headers=tidings.headers("alice")
    )

    assert {error["key"] for error in refused(answer, 400)["errors"]} == {name}


async def test_a_single_notification_is_shown_as_it_stands_in_whatever_list_it_is(
    tidings: Tidings, alice: Client
) -> None:
    note = alice.shown[0]

    for state, more in (
        ("read", {}),
        ("archived", {}),
        ("snoozed", {"until": "2026-12-25T00:00:00Z"}),
    ):
        await alice.mark(state, note, **more)
        assert await tidings.get(f"/v1/notifications/{note}", "alice") == alice.notifications[note]


async def test_what_is_not_ones_own_is_not_found_in_the_very_words_of_what_never_was(
    tidings: Tidings, alice: Client
) -> None:
    note, deleted = alice.shown[:2]
    await alice.mark("deleted", deleted)

    answers = [
        await tidings.http.get(
            f"/v1/notifications/{identifier}", headers=tidings.headers(user, **more)
        )
        for user, identifier, more in (
            ("bob", note, {}),
            ("alice", note, {"tenant": "another"}),
            ("alice", deleted, {}),
            ("alice", str(uuid4()), {}),
        )
    ]

    problems = [refused(answer, 404) for answer in answers]
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
async def test_a_list_that_makes_no_sense_is_refused(tidings: Tidings, query: str) -> None:
    refused(
        await tidings.http.get(f"/v1/notifications?{query}", headers=tidings.headers("alice")), 400
    )


@pytest.mark.parametrize("query", ["by=colour", "by=", "by=category&by=colour"])
async def test_counts_by_an_unknown_kind_are_refused(tidings: Tidings, query: str) -> None:
    refused(await tidings.http.get(f"/v1/counts?{query}", headers=tidings.headers("alice")), 400)


@pytest.mark.parametrize(
    "identifier", ["1", "nonsense", quote("../counts", safe=""), "%00", "0" * 32 + "x"]
)
async def test_an_identifier_that_is_none_is_not_found(tidings: Tidings, identifier: str) -> None:
    refused(
        await tidings.http.get(f"/v1/notifications/{identifier}", headers=tidings.headers("alice")),
        404,
    )


async def test_a_snoozed_notification_is_listed_again_when_its_time_has_come(
    tidings: Tidings, alice: Client
) -> None:
    note = alice.shown[0]

    await alice.mark(
        "snoozed",
        note,
        until=datetime.fromtimestamp(datetime.now(UTC).timestamp() + 0.5, UTC).isoformat(),
    )

    assert note not in {each["id"] for each in await tidings.listing("alice")}
    await tidings.eventually("alice", total=5, unread=5)
    assert (await tidings.listing("alice"))[0]["id"] == note
    assert await tidings.listing("alice", "snoozed") == []
