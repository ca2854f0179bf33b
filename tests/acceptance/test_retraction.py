"""Retraction: what no longer holds is gone from every device, whether it is connected, comes back or asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Mark, Notification

from tests.acceptance.frontends import INCIDENTS, front_end
from tests.driver import Client, Tidings, event
from tests.heard import log_of


def assigned(user: str, task: str = "1") -> dict[str, Any]:
    return event("task.assigned", task_id=task, task_title="Water the seedlings", user_id=user)


def unassigned(user: str, task: str = "1") -> dict[str, Any]:
    return event("task.unassigned", task_id=task, user_id=user)


def moved_on(work_order: str = "7") -> dict[str, Any]:
    return event("work_order.updated", work_order_id=work_order, status="open")


def about(notifications: Iterable[dict[str, Any]]) -> list[str]:
    """What notifications are about, and of which type they are."""
    return [f"{each['type']} {each['entity']['id']}" for each in notifications]


async def until_shown(client: Client, *expected: str) -> None:
    """Read until a tab shows this, newest first."""
    while about(client.notifications[identifier] for identifier in client.shown) != [*expected]:
        await client.next("entries", "snapshot")


async def test_what_was_not_read_before_it_was_taken_back_is_gone_on_every_device(
    tidings: Tidings,
) -> None:
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )
    await tidings.emit(assigned("alice", "1"), assigned("alice", "2"))
    await desk.until_counts(unread=2)
    away, known = desk.cursor or "", {each: {**note} for each, note in desk.notifications.items()}

    await tidings.emit(unassigned("alice", "1"))

    for device in (desk, phone):
        await until_shown(device, "task.assigned 2")
        assert device.counts == {"unread": 1, "unseen": 1, "total": 1}
    assert about((await tidings.replay("alice", away, known)).notifications.values()) == [
        "task.assigned 2"
    ]
    assert about((await (await tidings.connect("alice")).live()).notifications.values()) == [
        "task.assigned 2"
    ]
    assert about(await tidings.listing("alice")) == ["task.assigned 2"]


async def test_what_was_read_stays_and_so_does_what_others_were_told(tidings: Tidings) -> None:
    alice, bob = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("bob")).live(),
    )
    await tidings.emit(assigned("alice"), assigned("bob"))
    await alice.until_counts(unread=1)
    await alice.mark("read", *alice.shown)

    await tidings.emit(unassigned("alice"), assigned("alice", "2"), assigned("bob", "2"))

    await until_shown(alice, "task.assigned 2", "task.assigned 1")
    await until_shown(bob, "task.assigned 2", "task.assigned 1")
    assert about(await tidings.listing("alice")) == ["task.assigned 2", "task.assigned 1"]


async def test_a_task_given_anew_is_told_anew_however_often_each_event_comes(
    tidings: Tidings,
) -> None:
    alice = await (await tidings.connect("alice")).live()
    facts = [assigned("alice"), unassigned("alice"), assigned("alice")]

    await tidings.emit(*facts, *facts)
    await tidings.emit(assigned("alice", "2"))

    await until_shown(alice, "task.assigned 2", "task.assigned 1")
    entries = [
        decode_entry(message.data)
        for message in await log_of(tidings.runtime.jetstream, tidings.tenant)
    ]
    assert [type(entry) for entry in entries] == [Notification, Mark, Notification, Notification]
    assert about(await tidings.listing("alice")) == ["task.assigned 2", "task.assigned 1"]


@pytest.mark.parametrize("actor", ["carol", None])
async def test_a_deleted_task_is_replaced_by_the_news_of_it_told_once(
    tidings: Tidings, actor: str | None
) -> None:
    await tidings.emit(
        assigned("alice"),
        event("task.watched", task_id="1", user_id="alice"),
        event("task.watched", task_id="1", user_id="carol"),
        event("task.completed", task_id="1", task_title="Water the seedlings"),
    )
    alice, carol = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("carol")).live(),
    )
    await alice.until_counts(unread=2)
    await alice.mark("read", alice.shown[0])

    await tidings.emit(
        event("task.deleted", task_id="1", task_title="Water the seedlings", actor=actor)
    )

    await until_shown(alice, "task.deleted 1")
    await until_shown(carol, *([] if actor else ["task.deleted 1"]))
    (found,) = await tidings.listing("alice")
    words = "carol deleted Water the seedlings" if actor else "Water the seedlings was deleted"
    assert (found["message"], found.get("actor"), found["level"]) == (words, actor, "warning")


async def test_a_technician_loses_what_the_office_keeps(tidings: Tidings) -> None:
    people = [event("role.granted", user_id="olga", role="office")]
    sent = [
        event("work_order.assigned", work_order_id="7", technician_id=user)
        for user in ("olga", "tim")
    ]
    by_hand = event(
        "technician.notified", technician_id="tim", message="Bring the ladder", work_order_id="7"
    )
    await tidings.emit(*people, *sent, moved_on(), by_hand)
    olga, tim = (
        await (await tidings.connect("olga")).live(),
        await (await tidings.connect("tim")).live(),
    )
    await until_shown(tim, "technician.notified 7", "work_order.updated 7")

    await tidings.emit(
        *(
            event("work_order.unassigned", work_order_id="7", technician_id=user)
            for user in ("olga", "tim")
        )
    )

    await until_shown(tim, "technician.notified 7")
    await until_shown(olga, "work_order.updated 7")
    await tidings.emit(event("work_order.deleted", work_order_id="7", deleted_by="tim"))
    await until_shown(olga, "work_order.deleted 7")
    assert about(await tidings.listing("olga")) == ["work_order.deleted 7"]


async def test_a_front_end_of_old_is_told_that_it_is_gone(tidings: Tidings) -> None:
    async with front_end(tidings, INCIDENTS) as page:
        await tidings.emit(assigned("alice", "1"), assigned("alice", "2"))
        first, _ = await page.until("notification:new", count=2)

        await tidings.emit(unassigned("alice", "1"))
        deleted = await page.next("notification:deleted")

    assert deleted["data"] == {"id": first["data"]["id"]}
