"""Marks: by ids, by watermark, by filter; each shows on every device, in lists, counts and replays alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.driver import Client, Tidings, event, hello_to


def task(number: int, title: str, user: str = "alice") -> dict[str, Any]:
    return event("task.assigned", task_id=str(number), task_title=title, user_id=user)


def hours(count: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=count)).isoformat()


async def agree(tidings: Tidings, *clients: Client) -> None:
    """What the clients show is what the list and the counts say."""
    listed = [each["id"] for each in await tidings.listing("alice")]
    counted = await tidings.get("/v1/counts", "alice")
    for client in clients:
        assert client.shown == listed
        assert client.counts == counted


@pytest.fixture
async def devices(tidings: Tidings) -> tuple[Client, Client]:
    """A desk and a phone, each with two tasks, a change of one of them, and two announcements."""
    desk, phone = await tidings.connect("alice"), await tidings.stream("alice")
    await desk.live()
    await phone.live()
    await tidings.emit(
        task(1, "Water"), task(2, "Weed"), hello_to("alice"), hello_to("alice", priority="high")
    )
    await tidings.emit(
        event("task.status_changed", task_id="1", task_title="Water", new_status="done")
    )
    await desk.until(5)
    await phone.until(5)
    return desk, phone


@pytest.mark.parametrize(
    ("wanted", "left"),
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
async def test_a_mark_by_filter_touches_all_that_fits_and_nothing_else(
    tidings: Tidings, devices: tuple[Client, Client], wanted: dict[str, str], left: int
) -> None:
    desk, phone = devices

    assert (await desk.mark("read", filter=wanted))["ok"]

    await phone.until(6)
    await desk.until(6)
    assert phone.counts == desk.counts == {"unread": left, "unseen": left, "total": 5}
    assert len(await tidings.listing("alice", "unread")) == left
    assert {name for name, each in desk.notifications.items() if "read" not in each} == {
        each["id"] for each in await tidings.listing("alice", "unread")
    }
    await agree(tidings, desk, phone)


async def test_a_mark_by_filter_of_what_is_unread_leaves_what_was_read(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    await desk.mark("read", filter={"type": "task.status_changed"})

    assert (await desk.mark("deleted", filter={"category": "task", "unread": True}))["ok"]

    for device in devices:
        await device.until_counts(total=3, unread=2)
    assert [each["type"] for each in await tidings.listing("alice")].count(
        "task.status_changed"
    ) == 1
    await agree(tidings, desk, phone)


async def test_a_mark_by_filter_leaves_what_comes_after_it(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    start = str(desk.cursor)

    await desk.mark("archived", filter={"category": "task"})
    await tidings.emit(task(1, "Water again"))
    await desk.until(7)
    await phone.until(7)

    assert desk.counts == {"unread": 3, "unseen": 3, "total": 3}
    await agree(tidings, desk, phone)
    replayed = await tidings.replay(
        "alice", start, {name: dict(each) for name, each in phone.notifications.items()}
    )
    assert replayed.shown == desk.shown


async def test_what_is_snoozed_leaves_all_lists_but_its_own_until_it_is_called_back(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    late, *_ = desk.shown

    await desk.mark("snoozed", late, until=hours(5))
    await phone.until(6)

    assert phone.counts == desk.counts == {"unread": 4, "unseen": 4, "total": 4}
    assert [each["id"] for each in await tidings.listing("alice", "snoozed")] == [late]
    assert late not in {
        each["id"]
        for each in await tidings.listing("alice", "unread")
        + await tidings.listing("alice", "archived")
    }
    await agree(tidings, desk, phone)

    await desk.mark("unsnoozed", late)
    await phone.until(7)

    assert phone.shown[0] == late
    assert await tidings.listing("alice", "snoozed") == []
    await agree(tidings, desk, phone)


async def test_whoever_comes_back_or_comes_first_knows_what_is_snoozed(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, _ = devices
    start, known = str(desk.cursor), {name: dict(each) for name, each in desk.notifications.items()}
    until = hours(1)

    await desk.mark("snoozed", filter={"category": "task"}, until=until)

    fresh = await (await tidings.connect("alice")).live()
    replayed = await tidings.replay("alice", start, known)
    for client in (fresh, replayed):
        assert len([each for each in client.notifications.values() if each.get("snoozed")]) == 3
        await agree(tidings, client)


async def test_a_notification_is_in_the_list_or_archived_or_snoozed_and_never_in_two_places(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    note = desk.shown[0]

    for count, (state, more, place) in enumerate(
        [
            ("archived", {}, "archived"),
            ("snoozed", {"until": hours(1)}, "snoozed"),
            ("read", {}, "snoozed"),
            ("unarchived", {}, "snoozed"),
            ("archived", {}, "archived"),
            ("unsnoozed", {}, "archived"),
            ("unarchived", {}, "all"),
        ],
        6,
    ):
        await desk.mark(state, note, **more)
        await phone.until(count)
        lists = {
            name
            for name in ("all", "archived", "snoozed")
            if note in {each["id"] for each in await tidings.listing("alice", name)}
        }
        assert lists == {place}, state
        await agree(tidings, desk, phone)


async def test_what_was_snoozed_comes_back_by_itself_on_every_device_with_fresh_counts(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, phone = devices
    late, *_ = desk.shown
    await desk.mark("read", late)
    await phone.until(6)

    await desk.mark("snoozed", late, *desk.shown[1:3], until=hours(2 / 3600))
    await phone.until_counts(total=2)
    assert desk.counts == phone.counts == {"unread": 2, "unseen": 2, "total": 2}

    for client in (desk, phone):
        await client.until_counts(total=5)
        assert client.entries[-1]["state"] == "snoozed", "it came back by an entry"
        assert client.counts == {"unread": 4, "unseen": 4, "total": 5}
        assert client.shown[0] == late and "read" in client.notifications[late]
    await agree(tidings, desk, phone)


async def test_whoever_connects_while_something_is_snoozed_learns_when_it_is_back(
    tidings: Tidings, devices: tuple[Client, Client]
) -> None:
    desk, _ = devices
    await desk.mark("snoozed", desk.shown[0], until=hours(2 / 3600))

    fresh = await (await tidings.connect("alice")).live()
    again = await (await tidings.connect("alice", desk.cursor)).live()
    assert fresh.counts["total"] == 4

    for client in (fresh, again):
        await client.until_counts(total=5)
    await agree(tidings, fresh)


async def test_the_counts_follow_when_something_expires(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()
    await tidings.emit(hello_to("alice"), hello_to("alice", expires_at=hours(2 / 3600)))
    await alice.until_counts(total=2)

    await alice.until_counts(total=1)

    assert len(await tidings.listing("alice")) == 1


@pytest.mark.parametrize("until", [-0.001, 24 * 366], ids=["past", "too far"])
async def test_a_snooze_ends_in_the_future_and_within_a_year(
    tidings: Tidings, devices: tuple[Client, Client], until: float
) -> None:
    desk, _ = devices

    answer = await desk.mark("snoozed", desk.shown[0], until=hours(until))
    posted = await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "snoozed", "ids": [desk.shown[0]], "until": hours(until)},
        headers=tidings.headers("alice"),
    )

    assert not answer["ok"] and answer["error"].startswith("until: ")
    assert posted.status_code == 409 and posted.json()["detail"] == answer["error"]
    assert desk.counts["total"] == 5
