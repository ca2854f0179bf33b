"""Undelivered events: an event that notified no user is found, with the reason."""

from __future__ import annotations

import pytest
from tidings.contracts.codec import encode
from tidings.contracts.event import Event
from tidings.contracts.messages import NewMessage
from tidings.domains.announcements.events import Addressees
from tidings.domains.field_service.events import WorkOrderUpdated
from tidings.domains.incidents.events import IncidentAssigned
from tidings.domains.people.events import RoleGranted
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskDeleted,
    TaskStatusChanged,
    TaskWatched,
)
from tidings.notifier.undelivered import check_undelivered, find_undelivered

from tests.builders import make_typed_announcement
from tests.services.notifier.facts import TEXTS
from tests.services.notifier.partition import OwnPartition

OF_TASK_ALONE = "no user is in task:1#assignee, task:1#volunteer"
OF_TASK = f"{OF_TASK_ALONE}, task:1.project#manager"
CHANGED = TaskStatusChanged(task_id="1", task_title="T", new_status="done")


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([CHANGED], OF_TASK),
        (
            [TaskStatusChanged(task_id="1", task_title="T", new_status="done", project_id="7")],
            f"{OF_TASK_ALONE}, project:7#manager",
        ),
        (
            [make_typed_announcement(to=Addressees(relation="tenant#office"))],
            "no user is in tenant#office",
        ),
        ([make_typed_announcement(to=Addressees(everyone=True))], "no user is in tenant#member"),
        (
            [WorkOrderUpdated(work_order_id="7", status="open")],
            "no user is in tenant#office, work_order:7#technician",
        ),
        ([TaskWatched(task_id="1", user_id="u"), CHANGED], OF_TASK),
        (
            [
                TaskAssigned(task_id="1", task_title="T", user_id="u"),
                TaskDeleted(task_id="1"),
                CHANGED,
            ],
            OF_TASK,
        ),
        (
            [IncidentAssigned(incident_id="1", number=1, user_id="dina")],
            "only its actor would have been notified",
        ),
        ([TaskAssigned(task_id="1", task_title="T", user_id="u"), CHANGED], None),
        ([TaskAssigned(task_id="1", task_title="T", user_id="dina")], None),
        ([make_typed_announcement(to=Addressees(users=("dina",)))], None),
        ([RoleGranted(user_id="u", role="office")], None),
    ],
    ids=range(12),
)
async def test_an_event_that_notified_no_user_is_explained(
    partition: OwnPartition, history: list[Event], why: str | None
) -> None:
    await partition.prepared_partition()
    for event in history:
        await partition.append_event(event, actor="dina")
    await partition.route_all()

    findings = await find_undelivered(partition.runtime, await partition.read_events(), TEXTS)

    notifying_sequences = {notification.event for notification in await partition.notifications()}
    messages = await partition.read_events()
    assert [notification.reason for notification in findings] == ([why] if why else [])
    assert [notification.sequence for notification in findings] == (
        [messages[-1].sequence] if why else []
    )
    assert not notifying_sequences & {notification.sequence for notification in findings}


async def test_the_doctor_names_the_newest_undelivered_events_with_the_reason(
    partition: OwnPartition,
) -> None:
    await partition.prepared_partition()
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
            NewMessage(f"events.{partition.number}.{partition.tenant}.x._.y", encode(body))
        )
    ).sequence
    await partition.route_all()

    subject, is_healthy, message = await check_undelivered(partition.runtime, TEXTS)

    assert (subject, is_healthy) == ("undelivered events", True)
    assert f"{sequence} (kettle.boiled): no domain has this type" in message
