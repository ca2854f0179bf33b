"""Retraction: a notification that no longer applies disappears from every device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Mark, Notification

from tests.acceptance.frontends import INCIDENTS, open_front_end
from tests.builders import make_event, make_task_assigned
from tests.delivered_titles import read_tenant_log
from tests.driver import Client, Tidings


def make_task_unassigned(user: str, task: str = "1") -> dict[str, Any]:
    return make_event("task.unassigned", task_id=task, user_id=user)


def make_reopening(work_order: str = "7") -> dict[str, Any]:
    return make_event("work_order.updated", work_order_id=work_order, status="open")


def describe_all(notifications: Iterable[dict[str, Any]]) -> list[str]:
    """Return the type and the entity id of each notification."""
    return [
        f"{notification['type']} {notification['entity']['id']}" for notification in notifications
    ]


async def read_until_shown(client: Client, *descriptions: str) -> None:
    """Read until a tab shows exactly these, newest first."""
    while describe_all(client.notifications[identifier] for identifier in client.visible_ids) != [
        *descriptions
    ]:
        await client.next("entries", "snapshot")


async def test_an_unread_notification_that_is_retracted_is_gone_on_every_device(
    tidings: Tidings,
) -> None:
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )
    await tidings.emit(make_task_assigned("1", user="alice"), make_task_assigned("2", user="alice"))
    await desk.until_counts(unread=2)
    start, notifications = (
        desk.cursor or "",
        {identifier: {**note} for identifier, note in desk.notifications.items()},
    )

    await tidings.emit(make_task_unassigned("alice", "1"))

    for device in (desk, phone):
        await read_until_shown(device, "task.assigned 2")
        assert device.counts == {"unread": 1, "unseen": 1, "total": 1}
    assert describe_all(
        (await tidings.replay("alice", start, notifications)).notifications.values()
    ) == ["task.assigned 2"]
    assert describe_all((await (await tidings.connect("alice")).live()).notifications.values()) == [
        "task.assigned 2"
    ]
    assert describe_all(await tidings.list_all("alice")) == ["task.assigned 2"]


async def test_a_read_notification_and_those_of_other_users_stay(tidings: Tidings) -> None:
    alice, bob = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("bob")).live(),
    )
    await tidings.emit(make_task_assigned("1", user="alice"), make_task_assigned("1", user="bob"))
    await alice.until_counts(unread=1)
    await alice.mark("read", *alice.visible_ids)

    await tidings.emit(
        make_task_unassigned("alice"),
        make_task_assigned("2", user="alice"),
        make_task_assigned("2", user="bob"),
    )

    await read_until_shown(alice, "task.assigned 2", "task.assigned 1")
    await read_until_shown(bob, "task.assigned 2", "task.assigned 1")
    assert describe_all(await tidings.list_all("alice")) == ["task.assigned 2", "task.assigned 1"]


async def test_a_task_assigned_again_notifies_again_despite_repeated_events(
    tidings: Tidings,
) -> None:
    alice = await (await tidings.connect("alice")).live()
    facts = [
        make_task_assigned("1", user="alice"),
        make_task_unassigned("alice"),
        make_task_assigned("1", user="alice"),
    ]

    await tidings.emit(*facts, *facts)
    await tidings.emit(make_task_assigned("2", user="alice"))

    await read_until_shown(alice, "task.assigned 2", "task.assigned 1")
    entries = [
        decode_entry(message.data)
        for message in await read_tenant_log(tidings.runtime.jetstream, tidings.tenant)
    ]
    assert [type(entry) for entry in entries] == [Notification, Mark, Notification, Notification]
    assert describe_all(await tidings.list_all("alice")) == ["task.assigned 2", "task.assigned 1"]


@pytest.mark.parametrize("actor", ["carol", None])
async def test_the_notifications_of_a_deleted_task_are_replaced_by_one_of_the_deletion(
    tidings: Tidings, actor: str | None
) -> None:
    await tidings.emit(
        make_task_assigned("1", user="alice"),
        make_event("task.watched", task_id="1", user_id="alice"),
        make_event("task.watched", task_id="1", user_id="carol"),
        make_event("task.completed", task_id="1", task_title="Water the seedlings"),
    )
    alice, carol = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("carol")).live(),
    )
    await alice.until_counts(unread=2)
    await alice.mark("read", alice.visible_ids[0])

    await tidings.emit(
        make_event("task.deleted", task_id="1", task_title="Water the seedlings", actor=actor)
    )

    await read_until_shown(alice, "task.deleted 1")
    await read_until_shown(carol, "task.deleted 1")
    (notification,) = await tidings.list_all("alice")
    message = "carol deleted Water the seedlings" if actor else "Water the seedlings was deleted"
    assert (notification["message"], notification.get("actor"), notification["level"]) == (
        message,
        actor,
        "warning",
    )


async def test_a_retraction_for_a_technician_leaves_those_of_the_office(tidings: Tidings) -> None:
    roles = [make_event("role.granted", user_id="olga", role="office")]
    assignments = [
        make_event("work_order.assigned", work_order_id="7", technician_id=user)
        for user in ("olga", "tim")
    ]
    manual = make_event(
        "technician.notified", technician_id="tim", message="Bring the ladder", work_order_id="7"
    )
    await tidings.emit(*roles, *assignments, make_reopening(), manual)
    olga, tim = (
        await (await tidings.connect("olga")).live(),
        await (await tidings.connect("tim")).live(),
    )
    await read_until_shown(
        tim, "technician.notified 7", "work_order.updated 7", "work_order.assigned 7"
    )

    await tidings.emit(
        *(
            make_event("work_order.unassigned", work_order_id="7", technician_id=user)
            for user in ("olga", "tim")
        )
    )

    await read_until_shown(tim, "technician.notified 7")
    await read_until_shown(olga, "work_order.updated 7")
    await tidings.emit(make_event("work_order.deleted", work_order_id="7", deleted_by="tim"))
    await read_until_shown(olga, "work_order.deleted 7")
    assert describe_all(await tidings.list_all("olga")) == ["work_order.deleted 7"]


async def test_a_dialect_sends_a_retraction_as_a_deletion(tidings: Tidings) -> None:
    async with open_front_end(tidings, INCIDENTS) as page:
        await tidings.emit(
            make_task_assigned("1", user="alice"), make_task_assigned("2", user="alice")
        )
        first, _ = await page.read_until("notification:new", count=2)

        await tidings.emit(make_task_unassigned("alice", "1"))
        deletion = await page.next("notification:deleted")

    assert deletion["data"] == {"id": first["data"]["id"]}
