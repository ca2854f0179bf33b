"""Metrics: what volunteers did adds up, exactly, for those who may know it, and the same again when it is built anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tidings.projections import METRICS
from tidings.projector.rebuild import rebuild

from tests.acceptance.refused import refused
from tests.driver import WAIT_SECONDS, Tidings, event
from tests.streams import stored

PATHS = ("/v1/metrics/hours", "/v1/metrics/tasks", "/v1/metrics/projects")


def timelog(
    number: int, hours: float, *, user: str = "amira", said: str = "approved", **more: Any
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "timelog_id": str(number),
        "user_id": user,
        "hours": hours,
        "project_id": "garden",
        **more,
    }
    identifier = data.pop("identifier", None)
    return event(f"timelog.{said}", identifier=identifier, **data)


def task(said: str, number: int, **more: Any) -> dict[str, Any]:
    return event(
        f"task.{said}", task_id=str(number), task_title="Weed", **{"project_id": "garden", **more}
    )


def milestone(name: str, project: str = "garden") -> dict[str, Any]:
    return event(
        "milestone.completed",
        project_id=project,
        project_name=project,
        milestone_id=name,
        milestone_title=name,
    )


async def asked(tidings: Tidings, path: str, **query: Any) -> dict[str, Any]:
    """What an analyst is answered."""
    answer = await tidings.http.get(
        path, params=query, headers=tidings.headers("dina", scope="admin")
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def happened(tidings: Tidings, *events: dict[str, Any]) -> None:
    """Emit events and wait until the metrics have come to the last of them."""
    receipt = await tidings.emit(*events)
    last = max(number for span in receipt["sequences"] for number in span)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if (await asked(tidings, "/v1/metrics/hours"))["sequence"] >= last:
                return
            await asyncio.sleep(0.02)


async def figures(tidings: Tidings) -> dict[str, dict[str, Any]]:
    """All that the metrics say, but how far they have come, for other tests go on."""
    found = {path: await asked(tidings, path) for path in PATHS}
    return {
        path: {name: value for name, value in each.items() if name != "sequence"}
        for path, each in found.items()
    }


def by(found: dict[str, Any]) -> dict[str, float]:
    return {each["id"]: each["hours"] for each in found["by"]}


async def test_approved_hours_add_up_by_volunteer_project_and_task(tidings: Tidings) -> None:
    old = event(
        "volunteer.hours_approved", timelog_id="9", user_id="omar", minutes=90, project_id="kitchen"
    )
    await happened(
        tidings,
        timelog(1, 2, task_id="water"),
        timelog(2, 0.1, task_id="weed"),
        timelog(3, 0.2, user="omar"),
        old,
    )

    found = {
        kind: await asked(tidings, "/v1/metrics/hours", by=kind)
        for kind in ("user", "project", "task")
    }

    assert by(found["user"]) == {"amira": 2.1, "omar": 1.7}
    assert by(found["project"]) == {"garden": 2.3, "kitchen": 1.5}
    assert by(found["task"]) == {"water": 2, "weed": 0.1}
    assert {(each["hours"], each["timelogs"]) for each in found.values()} == {(3.8, 4)}
    assert (await asked(tidings, "/v1/metrics/hours", user="amira", task="weed"))["hours"] == 0.1
    assert (await asked(tidings, "/v1/metrics/hours", until="2020-01-01T00:00:00Z"))["hours"] == 0


async def test_a_time_log_counts_once_as_it_was_last_approved_and_not_at_all_once_it_was_rejected(
    tidings: Tidings,
) -> None:
    first = timelog(1, 2, identifier="first")
    await happened(
        tidings,
        first,
        timelog(1, 3),
        timelog(2, 5),
        timelog(2, 5, said="rejected"),
        timelog(3, 1, said="rejected"),
    )
    approved = await asked(tidings, "/v1/metrics/hours")

    await happened(tidings, timelog(3, 1), timelog(1, 3, said="rejected"))
    await tidings.emit(first)
    corrected = await asked(tidings, "/v1/metrics/hours")

    assert (approved["hours"], approved["timelogs"]) == (3, 1)
    assert (corrected["hours"], corrected["timelogs"]) == (1, 1)


async def test_what_is_built_anew_from_the_log_says_the_same(tidings: Tidings) -> None:
    first = timelog(1, 2, identifier="first")
    await happened(
        tidings,
        first,
        timelog(1, 3),
        timelog(2, 5, user="omar"),
        timelog(2, 5, user="omar", said="rejected"),
    )
    await happened(
        tidings,
        task("assigned", 1, user_id="amira"),
        task("assigned", 2, user_id="amira"),
        task("completed", 1),
    )
    lived = await figures(tidings)

    await rebuild(tidings.runtime, METRICS, lambda *_: None)

    rebuilt = await figures(tidings)
    assert rebuilt == lived
    assert rebuilt["/v1/metrics/hours"]["hours"] == 3
    assert rebuilt["/v1/metrics/tasks"]["completed"] == 1


async def test_pages_of_hours_neither_repeat_nor_lose_anybody(tidings: Tidings) -> None:
    await happened(tidings, *(timelog(number, 1, user=f"u {number}") for number in range(7)))

    names, after = list[str](), None
    while after is not None or not names:
        page = await asked(
            tidings, "/v1/metrics/hours", limit=3, **({"after": after} if after else {})
        )
        names += by(page)
        after = page["next"]

    assert names == [f"u {number}" for number in range(7)]


async def test_a_volunteer_sees_their_own_hours_and_nobody_elses(tidings: Tidings) -> None:
    await happened(tidings, timelog(1, 2), timelog(2, 4, user="omar"))

    seen = await tidings.get("/v1/metrics/hours", "amira", user="amira", by="project")

    assert by(seen) == {"garden": 2}
    for query in ({}, {"user": "omar"}, {"project": "garden"}):
        refused(
            await tidings.http.get(
                "/v1/metrics/hours", params=query, headers=tidings.headers("amira")
            ),
            403,
        )
    refused(
        await tidings.http.get(
            "/v1/metrics/hours",
            params={"user": "amira"},
            headers=tidings.headers("amira", scope="emit"),
        ),
        403,
    )
    refused(await tidings.http.get("/v1/metrics/hours"), 401)


async def test_another_tenants_analyst_sees_nothing_of_it(tidings: Tidings) -> None:
    await happened(tidings, timelog(1, 2))

    answer = await tidings.http.get(
        "/v1/metrics/hours",
        headers=tidings.headers("dina", scope="admin", tenant=f"{tidings.tenant}x"),
    )

    assert answer.json()["hours"] == 0 and answer.json()["by"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"by": "tenant"},
        {"limit": 0},
        {"limit": 101},
        {"since": "today"},
        {"user": "a\0"},
        {"after": "x" * 129},
    ],
    ids=str,
)
async def test_what_is_asked_wrongly_is_answered_with_what_would_be_right(
    tidings: Tidings, query: dict[str, Any]
) -> None:
    answer = await tidings.http.get(
        "/v1/metrics/hours", params=query, headers=tidings.headers("dina", scope="admin")
    )

    refused(answer, 400)


async def test_tasks_are_done_until_another_status_opens_them_and_what_is_deleted_does_not_count(
    tidings: Tidings,
) -> None:
    first = {**task("completed", 1), "id": "first"}
    await happened(
        tidings, *(task("assigned", number, user_id="amira") for number in (1, 2, 3, 4)), first
    )
    await happened(
        tidings,
        task("status_changed", 1, new_status="reopened"),
        task("status_changed", 2, new_status="Completed"),
    )
    await happened(
        tidings,
        first,
        task("completed", 2),
        task("completed", 3),
        task("deleted", 4),
        task("completed", 5, project_id="kitchen"),
    )

    found = await asked(tidings, "/v1/metrics/tasks")
    of_one = await asked(tidings, "/v1/metrics/tasks", project="garden")

    assert (found["tasks"], found["completed"], found["rate"]) == (4, 3, 0.75)
    assert (of_one["tasks"], of_one["completed"]) == (3, 2)


async def test_the_time_a_task_took_is_that_of_the_log(tidings: Tidings) -> None:
    await happened(tidings, task("assigned", 1, user_id="amira"))
    await happened(tidings, task("assigned", 1, user_id="omar"))
    await happened(tidings, task("completed", 1))
    assigned, _, completed = (each.time_nanoseconds for each in await stored(tidings))

    found = await asked(tidings, "/v1/metrics/tasks")

    assert (
        found["mean_seconds"]
        == found["median_seconds"]
        == pytest.approx((completed - assigned) / 1e9, abs=2e-6)
    )


async def test_a_project_has_come_as_far_as_its_tasks_and_milestones(tidings: Tidings) -> None:
    await happened(
        tidings,
        *(task("assigned", number, user_id="amira") for number in (1, 2)),
        task("completed", 1),
        milestone("beds"),
    )
    await happened(tidings, milestone("beds"), milestone("fence"), milestone("stove", "kitchen"))

    first = await asked(tidings, "/v1/metrics/projects", limit=1)
    second = await asked(tidings, "/v1/metrics/projects", limit=1, after=first["next"])

    assert first["projects"] == [
        {"id": "garden", "tasks": 2, "completed": 1, "progress": 0.5, "milestones": 2}
    ]
    assert second["projects"] == [
        {"id": "kitchen", "tasks": 0, "completed": 0, "progress": None, "milestones": 1}
    ]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/v1/metrics/tasks", "/v1/metrics/projects"])
async def test_how_projects_do_is_for_analysts_of_the_tenant(tidings: Tidings, path: str) -> None:
    await happened(tidings, task("assigned", 1, user_id="amira"))

    elsewhere = await tidings.http.get(
        path, headers=tidings.headers("dina", scope="admin", tenant=f"{tidings.tenant}x")
    )

    assert elsewhere.json().get("tasks", 0) == 0 and not elsewhere.json().get("projects")
    refused(await tidings.http.get(path, headers=tidings.headers("amira")), 403)
