"""Marks by id, cursor and filter: devices, lists, counts and replays agree on each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import make_announcement, make_event, make_task_assigned
from tests.driver import Client, Tidings


def hours_from_now(count: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=count)).isoformat()


async def check_agreement(tidings: Tidings, *clients: Client) -> None:
    """Check that the clients show what the list and the counts state."""
    ids = [notification["id"] for notification in await tidings.list_all("alice")]
    counts = await tidings.get("/v1/counts", "alice")
    for client in clients:
        assert client.visible_ids == ids
        assert client.counts == counts


@pytest.fixture
async def devices(tidings: Tidings) -> tuple[Client, Client]:
    """Return a desk and a phone with two tasks, a change of one, and two announcements."""
    desk, phone = await tidings.connect("alice"), await tidings.stream("alice")
    await desk.live()
    await phone.live()
    await tidings.emit(
        make_task_assigned(1, "Water"),
        make_task_assigned(2, "Weed"),
        make_announcement("alice"),
        make_announcement("alice", priority="high"),
    )
    await tidings.emit(
        make_event("task.status_changed", task_id="1", task_title="Water", new_status="done")
    )
    await desk.until(5)
    await phone.until(5)
    return desk, phone


@pytest.mark.parametrize(
    ("filter_", "unread_count"),
    [
        ({"category": "task"}, 2),
        ({"type": "task.assigned"}, 3),
        ({"entity": "task:1"}, 3),
        ({"category": "task", "type": "task.status_changed"}, 4),
        ({"category": "task", "entity": "task:2", "type": "task.assigned"}, 4),
        ({"category": "system_announcement"}, 3),
        ({"category": "task", "group": "none such"}, 5),
    ],
    ids=str,
)
async def test_a_mark_by_filter_changes_all_matches_and_nothing_else(
    tidings: Tidings, devices: tuple[Client, Client], filter_: dict[str, str], unread_count: int
) -> None:
    desk, phone = devices

    assert (await desk.mark("read", filter=filter_))["ok"]

    await phone.until(6)
    await desk.until(6)
    assert (
        phone.counts == desk.counts == {"unread": unread_count, "unseen": unread_count, "total": 5}
    )
    assert len(await tidings.list_all("alice", "unread")) == unread_count
    assert {
        name for name, notification in desk.notifications.items() if "read" not in notification
    } == {notification["id"] for notification in await tidings.list_all("alice", "unread")}
    await check_agreement(tidings, desk, phone)


async def test_a_mark_by_filter_of_unread_notifications_leaves_read_ones(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    await desk.mark("read", filter={"type": "task.status_changed"})

    assert (await desk.mark("deleted", filter={"category": "task", "unread": True}))["ok"]

    for device in devices:
        await device.until_counts(total=3, unread=2)
    assert [notification["type"] for notification in await tidings.list_all("alice")].count(
        "task.status_changed"
    ) == 1
    await check_agreement(tidings, desk, phone)


async def test_a_mark_by_filter_leaves_later_notifications(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    start = str(desk.cursor)

    await desk.mark("archived", filter={"category": "task"})
    await tidings.emit(make_task_assigned(1, "Water again"))
    await desk.until(7)
    await phone.until(7)

    assert desk.counts == {"unread": 3, "unseen": 3, "total": 3}
    await check_agreement(tidings, desk, phone)
    replay = await tidings.replay(
        "alice",
        start,
        {name: dict(notification) for name, notification in phone.notifications.items()},
    )
    assert replay.visible_ids == desk.visible_ids


async def test_a_snoozed_notification_is_only_in_its_own_list_until_it_is_unsnoozed(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    late, *_ = desk.visible_ids

    await desk.mark("snoozed", late, until=hours_from_now(5))
    await phone.until(6)

    assert phone.counts == desk.counts == {"unread": 4, "unseen": 4, "total": 4}
    assert [notification["id"] for notification in await tidings.list_all("alice", "snoozed")] == [
        late
    ]
    assert late not in {
        notification["id"]
        for notification in await tidings.list_all("alice", "unread")
        + await tidings.list_all("alice", "archived")
    }
    await check_agreement(tidings, desk, phone)

    await desk.mark("unsnoozed", late)
    await phone.until(7)

    assert phone.visible_ids[0] == late
    assert await tidings.list_all("alice", "snoozed") == []
    await check_agreement(tidings, desk, phone)


async def test_new_and_returning_clients_know_what_is_snoozed(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, _ = devices
    start, notifications = (
        str(desk.cursor),
        {name: dict(notification) for name, notification in desk.notifications.items()},
    )
    until = hours_from_now(1)

    await desk.mark("snoozed", filter={"category": "task"}, until=until)

    fresh = await (await tidings.connect("alice")).live()
    replay = await tidings.replay("alice", start, notifications)
    for client in (fresh, replay):
        assert (
            len(
                [
                    notification
                    for notification in client.notifications.values()
                    if notification.get("snoozed")
                ]
            )
            == 3
        )
        await check_agreement(tidings, client)


async def test_a_notification_is_in_exactly_one_of_inbox_archive_and_snoozed(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    note = desk.visible_ids[0]

    for count, (state, parameters, place) in enumerate(
        [
            ("archived", {}, "archived"),
            ("snoozed", {"until": hours_from_now(1)}, "snoozed"),
            ("read", {}, "snoozed"),
            ("unarchived", {}, "snoozed"),
            ("archived", {}, "archived"),
            ("unsnoozed", {}, "archived"),
            ("unarchived", {}, "all"),
        ],
        6,
    ):
        await desk.mark(state, note, **parameters)
        await phone.until(count)
        lists = {
            name
            for name in ("all", "archived", "snoozed")
            if note
            in {notification["id"] for notification in await tidings.list_all("alice", name)}
        }
        assert lists == {place}, state
        await check_agreement(tidings, desk, phone)


async def test_a_snooze_ends_by_itself_on_every_device_with_new_counts(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    late, *_ = desk.visible_ids
    await desk.mark("read", late)
    await phone.until(6)

    await desk.mark("snoozed", late, *desk.visible_ids[1:3], until=hours_from_now(2 / 3600))
    await phone.until_counts(total=2)
    assert desk.counts == phone.counts == {"unread": 2, "unseen": 2, "total": 2}

    for client in (desk, phone):
        await client.until_counts(total=5)
        assert client.entries[-1]["state"] == "snoozed", "an entry brought it back"
        assert client.counts == {"unread": 4, "unseen": 4, "total": 5}
        assert client.visible_ids[0] == late and "read" in client.notifications[late]
    await check_agreement(tidings, desk, phone)


async def test_a_client_that_connects_during_a_snooze_is_sent_its_end(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, _ = devices
    await desk.mark("snoozed", desk.visible_ids[0], until=hours_from_now(2 / 3600))

    fresh = await (await tidings.connect("alice")).live()
    again = await (await tidings.connect("alice", desk.cursor)).live()
    assert fresh.counts["total"] == 4

    for client in (fresh, again):
        await client.until_counts(total=5)
    await check_agreement(tidings, fresh)


async def test_the_counts_change_when_a_notification_expires(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()
    await tidings.emit(
        make_announcement("alice"), make_announcement("alice", expires_at=hours_from_now(2 / 3600))
    )
    await alice.until_counts(total=2)

    await alice.until_counts(total=1)

    assert len(await tidings.list_all("alice")) == 1


@pytest.mark.parametrize("hours", [-0.001, 24 * 366], ids=["past", "too far"])
async def test_a_snooze_must_end_in_the_future_and_within_a_year(
    tidings: Tidings, devices: tuple[Client, Client], hours: float
) -> None:
    desk, _ = devices

    answer = await desk.mark("snoozed", desk.visible_ids[0], until=hours_from_now(hours))
    http_answer = await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "snoozed", "ids": [desk.visible_ids[0]], "until": hours_from_now(hours)},
        headers=tidings.headers("alice"),
    )

    assert not answer["ok"] and answer["error"].startswith("until: ")
    assert http_answer.status_code == 409 and http_answer.json()["detail"] == answer["error"]
    assert desk.counts["total"] == 5
