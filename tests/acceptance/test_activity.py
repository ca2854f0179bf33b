"""The activity log: who did what to what and when, found by user and by thing, for those who may know it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tidings.projections import ACTIVITY
from tidings.projector.rebuild import rebuild

from tests.acceptance.refused import refused
from tests.driver import WAIT_SECONDS, Tidings, event
from tests.streams import stored

ADMIN = "admin"


def assigned(number: int, user: str = "amira", actor: str = "dina", **more: Any) -> dict[str, Any]:
    return event(
        "task.assigned", actor=actor, task_id=str(number), task_title="Weed", user_id=user, **more
    )


async def activity(tidings: Tidings, **query: Any) -> dict[str, Any]:
    """What an analyst is answered."""
    answer = await tidings.http.get(
        "/v1/activity", params=query, headers=tidings.headers("olga", scope=ADMIN)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def happened(tidings: Tidings, *events: dict[str, Any]) -> None:
    """Emit events and wait until the activity log has come to the last of them."""
    receipt = await tidings.emit(*events)
    last = max(number for span in receipt["sequences"] for number in span)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if (await activity(tidings, limit=1))["sequence"] >= last:
                return
            await asyncio.sleep(0.02)


def types(found: dict[str, Any]) -> list[str]:
    return [each["type"] for each in found["activity"]]


async def test_a_thing_tells_what_happened_to_it_as_plain_facts(tidings: Tidings) -> None:
    done = event(
        "task.completed",
        actor="amira",
        task_id="1",
        task_title="Weed",
        project_id="garden",
        colour="green",
    )
    await happened(tidings, assigned(1), assigned(2), done)
    *_, last = await stored(tidings)

    newest, first = (await activity(tidings, entity="task:1"))["activity"]

    data = {"task_id": "1", "task_title": "Weed", "project_id": "garden", "colour": "green"}
    assert (newest["type"], newest["actor"], newest["entity"], newest["data"]) == (
        "task.completed",
        "amira",
        "task:1",
        data,
    )
    assert newest["sequence"] == last.sequence
    assert (first["type"], first["actor"]) == ("task.assigned", "dina")
    assert types(await activity(tidings, entity="project:garden")) == ["task.completed"]


async def test_a_users_activity_is_what_they_caused_and_what_names_them(tidings: Tidings) -> None:
    incident = event(
        "incident.created", incident_id="7", number=7, title="Flood", responders=["amira", "omar"]
    )
    conflict = event(
        "sync.conflict_detected", conflict_id="3", user_id="omar", entity_type="task", entity_id="1"
    )
    await happened(
        tidings,
        assigned(1),
        incident,
        assigned(2, "omar", actor="amira"),
        conflict,
        event("task.unassigned", task_id="1", user_id="omar"),
    )

    assert types(await activity(tidings, user="amira")) == [
        "task.assigned",
        "incident.created",
        "task.assigned",
    ]
    assert types(await activity(tidings, user="omar", entity="task:1")) == [
        "task.unassigned",
        "sync.conflict_detected",
    ]
    assert types(
        await activity(tidings, user="omar", type=["incident.created", "task.unassigned"])
    ) == [
        "task.unassigned",
        "incident.created",
    ]
    assert (
        types(await activity(tidings, since="2099-01-01T00:00:00Z"))
        == types(await activity(tidings, until="2020-01-01T00:00:00Z"))
        == []
    )


async def test_pages_of_activity_neither_repeat_nor_lose_anything_though_more_happens(
    tidings: Tidings,
) -> None:
    await happened(tidings, *(assigned(number) for number in range(8)))

    found, before = list[int](), None
    while before is not None or not found:
        page = await activity(
            tidings, user="amira", limit=3, **({"before": before} if before else {})
        )
        found += [int(each["data"]["task_id"]) for each in page["activity"]]
        before = page["next"]
        await happened(tidings, assigned(99))

    assert found == [7, 6, 5, 4, 3, 2, 1, 0]


async def test_a_user_sees_their_own_activity_and_nobody_elses_nor_does_another_tenant(
    tidings: Tidings,
) -> None:
    await happened(tidings, assigned(1), assigned(2, "omar"))

    own = await tidings.get("/v1/activity", "amira", user="amira")

    assert [each["data"]["task_id"] for each in own["activity"]] == ["1"]
    for query in ({}, {"user": "omar"}, {"entity": "task:1"}):
        refused(
            await tidings.http.get("/v1/activity", params=query, headers=tidings.headers("amira")),
            403,
        )
    refused(
        await tidings.http.get(
            "/v1/activity", params={"user": "amira"}, headers=tidings.headers("amira", scope="emit")
        ),
        403,
    )
    elsewhere = await tidings.http.get(
        "/v1/activity", headers=tidings.headers("olga", scope=ADMIN, tenant=f"{tidings.tenant}x")
    )
    assert elsewhere.json()["activity"] == []


async def test_an_activity_log_built_anew_says_the_same(tidings: Tidings) -> None:
    await happened(tidings, assigned(1), assigned(2, "omar"), event("task.deleted", task_id="1"))
    lived = await activity(tidings)

    await rebuild(tidings.runtime, ACTIVITY, lambda *_: None)

    assert (await activity(tidings))["activity"] == lived["activity"] and len(
        lived["activity"]
    ) == 3


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
async def test_a_question_that_cannot_be_answered_is_refused_with_the_reason(
    tidings: Tidings, query: dict[str, Any]
) -> None:
    answer = await tidings.http.get(
        "/v1/activity", params=query, headers=tidings.headers("olga", scope=ADMIN)
    )

    refused(answer, 400)
