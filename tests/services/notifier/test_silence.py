"""Silence: an event that told nobody is found, with the reason; one that told somebody, or never tells anybody, is not."""

from __future__ import annotations

import pytest
from tidings.contracts import events
from tidings.contracts.codec import encode
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.notifier.silence import silence, silent
from tidings.runtime.append import Draft

from tests.services.notifier.partition import OwnPartition

OF_TASK = "nobody stands in task:1#assignee, task:1#volunteer"
CHANGED = events.TaskStatusChanged(task_id="1", task_title="T", new_status="done")


def announced(to: Addressees) -> Event:
    return events.AnnouncementPublished(title="-", message="-", to=to)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([CHANGED], OF_TASK),
        (
            [
                events.TaskStatusChanged(
                    task_id="1", task_title="T", new_status="done", project_id="7"
                )
            ],
            f"{OF_TASK}, project:7#manager",
        ),
        ([announced(Addressees(relation="tenant#office"))], "nobody stands in tenant#office"),
        ([announced(Addressees(everyone=True))], "nobody stands in tenant#member"),
        (
            [events.WorkOrderUpdated(work_order_id="7", status="open")],
            "nobody stands in tenant#office, work_order:7#technician",
        ),
        ([events.TaskWatched(task_id="1", user_id="u"), CHANGED], OF_TASK),
        (
            [
                events.TaskAssigned(task_id="1", task_title="T", user_id="u"),
                events.TaskDeleted(task_id="1"),
                CHANGED,
            ],
            OF_TASK,
        ),
        (
            [events.TaskAssigned(task_id="1", task_title="T", user_id="dina")],
            "only whoever did it would have been told",
        ),
        ([events.TaskAssigned(task_id="1", task_title="T", user_id="u"), CHANGED], None),
        ([announced(Addressees(users=("dina",)))], None),
        ([events.RoleGranted(user_id="u", role="office")], None),
    ],
    ids=range(11),
)
async def test_an_event_that_told_nobody_is_explained(
    partition: OwnPartition, history: list[Event], why: str | None
) -> None:
    await partition.begun()
    for event in history:
        await partition.happened(event, actor="dina")
    await partition.routed()

    found = await silent(partition.runtime, await partition.events())

    told = {each.event for each in await partition.told()}
    messages = await partition.events()
    assert [each.why for each in found] == ([why] if why else [])
    assert [each.sequence for each in found] == ([messages[-1].sequence] if why else [])
    assert not told & {each.sequence for each in found}


async def test_the_doctor_is_told_of_the_newest_ones_with_the_reason(
    partition: OwnPartition,
) -> None:
    await partition.begun()
    body = {
        "specversion": "1.0",
        "id": "1",
        "source": "/tests",
        "type": "kettle.boiled",
        "tenant": partition.tenant,
        "data": {},
    }
    sequence = (
        await partition.appender.append(
            Draft(f"events.{partition.number}.{partition.tenant}.x._.y", encode(body))
        )
    ).sequence
    await partition.routed()

    what, well, words = await silence(partition.runtime)

    assert (what, well) == ("untold events", True)
    assert f"{sequence} (kettle.boiled): nobody knows this type here" in words
