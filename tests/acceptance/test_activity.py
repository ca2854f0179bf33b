"""The activity log: events by user and by object, for the readers who may see them."""

from __future__ import annotations

from typing import Any

import pytest
from tidings.projections import ACTIVITY
from tidings.projector.rebuild import rebuild_read_model

from tests.acceptance.analysis import emit_and_wait, query_as_analyst
from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings
from tests.streams import read_stored_events

ADMIN = "admin"
ACTIVITY_PATH = "/v1/activity"


def make_assignment(
    number: int, user: str = "amira", actor: str = "dina", **more: Any
) -> dict[str, Any]:
    return make_event(
        "task.assigned", actor=actor, task_id=str(number), task_title="Weed", user_id=user, **more
    )


def types_of(page: dict[str, Any]) -> list[str]:
    return [entry["type"] for entry in page["activity"]]


async def test_the_activity_of_an_object_lists_its_events_as_plain_facts(tidings: Tidings) -> None:
    done = make_event(
        "task.completed",
        actor="amira",
        task_id="1",
        task_title="Weed",
        project_id="garden",
        colour="green",
    )
    await emit_and_wait(tidings, ACTIVITY_PATH, make_assignment(1), make_assignment(2), done)
    *_, last = await read_stored_events(tidings)

    newest, first = (await query_as_analyst(tidings, ACTIVITY_PATH, entity="task:1"))["activity"]

    data = {"task_id": "1", "task_title": "Weed", "project_id": "garden", "colour": "green"}
    assert (newest["type"], newest["actor"], newest["entity"], newest["data"]) == (
        "task.completed",
        "amira",
        "task:1",
        data,
    )
    assert newest["sequence"] == last.sequence
    assert (first["type"], first["actor"]) == ("task.assigned", "dina")
    assert types_of(await query_as_analyst(tidings, ACTIVITY_PATH, entity="project:garden")) == [
        "task.completed"
    ]


async def test_the_activity_of_a_user_lists_events_they_caused_and_events_that_name_them(
    tidings: Tidings,
) -> None:
    incident = make_event(
        "incident.created", incident_id="7", number=7, title="Flood", responders=["amira", "omar"]
    )
    conflict = make_event(
        "sync.conflict_detected", conflict_id="3", user_id="omar", entity_type="task", entity_id="1"
    )
    await emit_and_wait(
        tidings,
        ACTIVITY_PATH,
        make_assignment(1),
        incident,
        make_assignment(2, "omar", actor="amira"),
        conflict,
        make_event("task.unassigned", task_id="1", user_id="omar"),
    )

    assert types_of(await query_as_analyst(tidings, ACTIVITY_PATH, user="amira")) == [
        "task.assigned",
        "incident.created",
        "task.assigned",
    ]
    assert types_of(
        await query_as_analyst(tidings, ACTIVITY_PATH, user="omar", entity="task:1")
    ) == [
        "task.unassigned",
        "sync.conflict_detected",
    ]
    assert types_of(
        await query_as_analyst(
            tidings, ACTIVITY_PATH, user="omar", type=["incident.created", "task.unassigned"]
        )
    ) == [
        "task.unassigned",
        "incident.created",
    ]
    assert (
        types_of(await query_as_analyst(tidings, ACTIVITY_PATH, since="2099-01-01T00:00:00Z"))
        == types_of(await query_as_analyst(tidings, ACTIVITY_PATH, until="2020-01-01T00:00:00Z"))
        == []
    )


async def test_pages_of_activity_repeat_and_lose_nothing_while_new_events_arrive(
    tidings: Tidings,
) -> None:
    await emit_and_wait(tidings, ACTIVITY_PATH, *(make_assignment(number) for number in range(8)))

    task_ids, before = list[int](), None
    while before is not None or not task_ids:
        page = await query_as_analyst(
            tidings, ACTIVITY_PATH, user="amira", limit=3, **({"before": before} if before else {})
        )
        task_ids += [int(entry["data"]["task_id"]) for entry in page["activity"]]
        before = page["next"]
        await emit_and_wait(tidings, ACTIVITY_PATH, make_assignment(99))

    assert task_ids == [7, 6, 5, 4, 3, 2, 1, 0]


async def test_a_user_sees_only_their_own_activity_and_no_other_tenant_sees_it(
    tidings: Tidings,
) -> None:
    await emit_and_wait(tidings, ACTIVITY_PATH, make_assignment(1), make_assignment(2, "omar"))

    page = await tidings.get("/v1/activity", "amira", user="amira")

    assert [entry["data"]["task_id"] for entry in page["activity"]] == ["1"]
    for query in ({}, {"user": "omar"}, {"entity": "task:1"}):
        check_problem(
            await tidings.http.get("/v1/activity", params=query, headers=tidings.headers("amira")),
            403,
        )
    check_problem(
        await tidings.http.get(
            "/v1/activity", params={"user": "amira"}, headers=tidings.headers("amira", scope="emit")
        ),
        403,
    )
    foreign_answer = await tidings.http.get(
        "/v1/activity", headers=tidings.headers("olga", scope=ADMIN, tenant=f"{tidings.tenant}x")
    )
    assert foreign_answer.json()["activity"] == []


async def test_a_rebuilt_activity_log_is_equal(tidings: Tidings) -> None:
    await emit_and_wait(
        tidings,
        ACTIVITY_PATH,
        make_assignment(1),
        make_assignment(2, "omar"),
        make_event("task.deleted", task_id="1"),
    )
    before = await query_as_analyst(tidings, ACTIVITY_PATH)

    await rebuild_read_model(tidings.runtime, ACTIVITY, lambda *_: None)

    assert (await query_as_analyst(tidings, ACTIVITY_PATH))["activity"] == before[
        "activity"
    ] and len(before["activity"]) == 3


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"before": 0},
        {"before": 2**53},
        {"since": "today"},
        {"type": "A"},
        {"entity": "task"},
        {"user": "a\0"},
    ],
    ids=str,
)
async def test_an_invalid_query_is_refused(tidings: Tidings, query: dict[str, Any]) -> None:
    answer = await tidings.http.get(
        "/v1/activity", params=query, headers=tidings.headers("olga", scope=ADMIN)
    )

    check_problem(answer, 400)
