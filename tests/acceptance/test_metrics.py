"""Metrics: volunteer hours and tasks add up exactly, also after a rebuild, for analysts."""

from __future__ import annotations

from typing import Any

import pytest
from tidings.projections import METRICS
from tidings.projector.rebuild import rebuild_read_model

from tests.acceptance.analysis import emit_and_wait, query_as_analyst
from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings
from tests.streams import read_stored_events

HOURS_PATH = "/v1/metrics/hours"
PATHS = (HOURS_PATH, "/v1/metrics/tasks", "/v1/metrics/projects")


def make_timelog(
    number: int, hours: float, *, user: str = "amira", verb: str = "approved", **fields: Any
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "timelog_id": str(number),
        "user_id": user,
        "hours": hours,
        "project_id": "garden",
        **fields,
    }
    identifier = data.pop("identifier", None)
    return make_event(f"timelog.{verb}", identifier=identifier, **data)


def make_task_event(verb: str, number: int, **fields: Any) -> dict[str, Any]:
    return make_event(
        f"task.{verb}", task_id=str(number), task_title="Weed", **{"project_id": "garden", **fields}
    )


def make_milestone(name: str, project: str = "garden") -> dict[str, Any]:
    return make_event(
        "milestone.completed",
        project_id=project,
        project_name=project,
        milestone_id=name,
        milestone_title=name,
    )


async def read_figures(tidings: Tidings) -> dict[str, dict[str, Any]]:
    """Return all metrics without their positions, which move with the events of other tests."""
    metrics = {path: await query_as_analyst(tidings, path) for path in PATHS}
    return {
        path: {name: value for name, value in figures.items() if name != "sequence"}
        for path, figures in metrics.items()
    }


def hours_by_id(page: dict[str, Any]) -> dict[str, float]:
    return {row["id"]: row["hours"] for row in page["by"]}


async def test_approved_hours_add_up_by_volunteer_project_and_task(tidings: Tidings) -> None:
    old_event = make_event(
        "volunteer.hours_approved", timelog_id="9", user_id="omar", minutes=90, project_id="kitchen"
    )
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        make_timelog(1, 2, task_id="water"),
        make_timelog(2, 0.1, task_id="weed"),
        make_timelog(3, 0.2, user="omar"),
        old_event,
    )

    metrics = {
        kind: await query_as_analyst(tidings, "/v1/metrics/hours", by=kind)
        for kind in ("user", "project", "task")
    }

    assert hours_by_id(metrics["user"]) == {"amira": 2.1, "omar": 1.7}
    assert hours_by_id(metrics["project"]) == {"garden": 2.3, "kitchen": 1.5}
    assert hours_by_id(metrics["task"]) == {"water": 2, "weed": 0.1}
    assert {(figures["hours"], figures["timelogs"]) for figures in metrics.values()} == {(3.8, 4)}
    assert (await query_as_analyst(tidings, "/v1/metrics/hours", user="amira", task="weed"))[
        "hours"
    ] == 0.1
    assert (await query_as_analyst(tidings, "/v1/metrics/hours", until="2020-01-01T00:00:00Z"))[
        "hours"
    ] == 0


async def test_only_the_last_approval_of_a_time_log_counts_and_none_after_a_rejection(
    tidings: Tidings,
) -> None:
    first = make_timelog(1, 2, identifier="first")
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        first,
        make_timelog(1, 3),
        make_timelog(2, 5),
        make_timelog(2, 5, verb="rejected"),
        make_timelog(3, 1, verb="rejected"),
    )
    before = await query_as_analyst(tidings, "/v1/metrics/hours")

    await emit_and_wait(
        tidings, HOURS_PATH, make_timelog(3, 1), make_timelog(1, 3, verb="rejected")
    )
    await tidings.emit(first)
    after = await query_as_analyst(tidings, "/v1/metrics/hours")

    assert (before["hours"], before["timelogs"]) == (3, 1)
    assert (after["hours"], after["timelogs"]) == (1, 1)


async def test_rebuilt_metrics_are_equal(tidings: Tidings) -> None:
    first = make_timelog(1, 2, identifier="first")
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        first,
        make_timelog(1, 3),
        make_timelog(2, 5, user="omar"),
        make_timelog(2, 5, user="omar", verb="rejected"),
    )
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        make_task_event("assigned", 1, user_id="amira"),
        make_task_event("assigned", 2, user_id="amira"),
        make_task_event("completed", 1),
    )
    before = await read_figures(tidings)

    await rebuild_read_model(tidings.runtime, METRICS, lambda *_: None)

    rebuilt = await read_figures(tidings)
    assert rebuilt == before
    assert rebuilt["/v1/metrics/hours"]["hours"] == 3
    assert rebuilt["/v1/metrics/tasks"]["completed"] == 1


async def test_pages_of_hours_repeat_and_lose_no_user(tidings: Tidings) -> None:
    await emit_and_wait(
        tidings, HOURS_PATH, *(make_timelog(number, 1, user=f"u {number}") for number in range(7))
    )

    names, after = list[str](), None
    while after is not None or not names:
        page = await query_as_analyst(
            tidings, "/v1/metrics/hours", limit=3, **({"after": after} if after else {})
        )
        names += hours_by_id(page)
        after = page["next"]

    assert names == [f"u {number}" for number in range(7)]


async def test_a_volunteer_sees_only_their_own_hours(tidings: Tidings) -> None:
    await emit_and_wait(tidings, HOURS_PATH, make_timelog(1, 2), make_timelog(2, 4, user="omar"))

    page = await tidings.get("/v1/metrics/hours", "amira", user="amira", by="project")

    assert hours_by_id(page) == {"garden": 2}
    for query in ({}, {"user": "omar"}, {"project": "garden"}):
        check_problem(
            await tidings.http.get(
                "/v1/metrics/hours", params=query, headers=tidings.headers("amira")
            ),
            403,
        )
    check_problem(
        await tidings.http.get(
            "/v1/metrics/hours",
            params={"user": "amira"},
            headers=tidings.headers("amira", scope="emit"),
        ),
        403,
    )
    check_problem(await tidings.http.get("/v1/metrics/hours"), 401)


async def test_an_analyst_of_another_tenant_sees_nothing(tidings: Tidings) -> None:
    await emit_and_wait(tidings, HOURS_PATH, make_timelog(1, 2))

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
async def test_an_invalid_query_is_refused(tidings: Tidings, query: dict[str, Any]) -> None:
    answer = await tidings.http.get(
        "/v1/metrics/hours", params=query, headers=tidings.headers("dina", scope="admin")
    )

    check_problem(answer, 400)


async def test_a_completed_task_counts_until_it_is_reopened_or_deleted(
    tidings: Tidings,
) -> None:
    first = {**make_task_event("completed", 1), "id": "first"}
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        *(make_task_event("assigned", number, user_id="amira") for number in (1, 2, 3, 4)),
        first,
    )
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        make_task_event("status_changed", 1, new_status="reopened"),
        make_task_event("status_changed", 2, new_status="Completed"),
    )
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        first,
        make_task_event("completed", 2),
        make_task_event("completed", 3),
        make_task_event("deleted", 4),
        make_task_event("completed", 5, project_id="kitchen"),
    )

    metrics = await query_as_analyst(tidings, "/v1/metrics/tasks")
    project_metrics = await query_as_analyst(tidings, "/v1/metrics/tasks", project="garden")

    assert (metrics["tasks"], metrics["completed"], metrics["rate"]) == (4, 3, 0.75)
    assert (project_metrics["tasks"], project_metrics["completed"]) == (3, 2)


async def test_the_duration_of_a_task_is_measured_by_the_log(tidings: Tidings) -> None:
    await emit_and_wait(tidings, HOURS_PATH, make_task_event("assigned", 1, user_id="amira"))
    await emit_and_wait(tidings, HOURS_PATH, make_task_event("assigned", 1, user_id="omar"))
    await emit_and_wait(tidings, HOURS_PATH, make_task_event("completed", 1))
    assigned_at, _, completed_at = (
        message.time_nanoseconds for message in await read_stored_events(tidings)
    )

    metrics = await query_as_analyst(tidings, "/v1/metrics/tasks")

    assert (
        metrics["mean_seconds"]
        == metrics["median_seconds"]
        == pytest.approx((completed_at - assigned_at) / 1e9, abs=2e-6)
    )


async def test_the_progress_of_a_project_is_that_of_its_tasks_and_milestones(
    tidings: Tidings,
) -> None:
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        *(make_task_event("assigned", number, user_id="amira") for number in (1, 2)),
        make_task_event("completed", 1),
        make_milestone("beds"),
    )
    await emit_and_wait(
        tidings,
        HOURS_PATH,
        make_milestone("beds"),
        make_milestone("fence"),
        make_milestone("stove", "kitchen"),
    )

    first = await query_as_analyst(tidings, "/v1/metrics/projects", limit=1)
    second = await query_as_analyst(tidings, "/v1/metrics/projects", limit=1, after=first["next"])

    assert first["projects"] == [
        {"id": "garden", "tasks": 2, "completed": 1, "progress": 0.5, "milestones": 2}
    ]
    assert second["projects"] == [
        {"id": "kitchen", "tasks": 0, "completed": 0, "progress": None, "milestones": 1}
    ]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/v1/metrics/tasks", "/v1/metrics/projects"])
async def test_project_metrics_are_for_analysts_of_the_tenant_only(
    tidings: Tidings, path: str
) -> None:
    await emit_and_wait(tidings, HOURS_PATH, make_task_event("assigned", 1, user_id="amira"))

    elsewhere = await tidings.http.get(
        path, headers=tidings.headers("dina", scope="admin", tenant=f"{tidings.tenant}x")
    )

    assert elsewhere.json().get("tasks", 0) == 0 and not elsewhere.json().get("projects")
    check_problem(await tidings.http.get(path, headers=tidings.headers("amira")), 403)
