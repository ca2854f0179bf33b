"""Notifications written by hand, expiry on any event, and the remembered project, end to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import make_event
from tests.driver import Tidings

TEXT = {"title": "Pump 3", "message": "Pressure is falling"}


def seconds_from_now(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def make_request(*users: str | int, actor: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an event that requests a notification of users."""
    data = {**TEXT, "to": {"users": list(users)}, **more}
    return {**make_event("notification.requested", actor=actor), "data": data}


async def test_a_notification_written_by_hand_arrives_as_it_was_written(tidings: Tidings) -> None:
    expires_at = seconds_from_now(3600)
    alice = await (await tidings.connect("alice")).live()
    before = alice.cursor
    assert before

    await tidings.emit(
        make_request(
            "alice",
            actor="alice",
            type="equipment_alert",
            level="warning",
            category="equipment",
            priority="high",
            entity={"type": "work_order", "id": 7},
            references={"work_order": 7, "technician": "tom"},
            data={"equipment_id": "pump-3", "readings": [1.50, None]},
            expires_at=expires_at,
            action_url="/orders/7",
        )
    )

    await alice.until_counts(total=1)
    (listed,) = await tidings.list_all("alice")
    (replayed,) = (await tidings.replay("alice", before)).notifications.values()
    for shown in (listed, replayed):
        assert {name: shown[name] for name in ("title", "message")} == TEXT
        assert shown["type"] == "equipment_alert"
        assert (shown["level"], shown["category"], shown["priority"]) == (
            "warning",
            "equipment",
            "high",
        )
        assert shown["entity"] == {"type": "work_order", "id": "7", "url": "/orders/7"}
        assert shown["references"] == {"work_order": "7", "technician": "tom"}
        assert shown["data"] == {
            "equipment_id": "pump-3",
            "readings": [1.5, None],
            "action_url": "/orders/7",
        }
        assert datetime.fromisoformat(shown["expires"]) == datetime.fromisoformat(expires_at)


async def test_a_notification_written_by_hand_needs_no_more_than_recipients_and_text(
    tidings: Tidings,
) -> None:
    await tidings.emit(make_request(123))

    await tidings.wait_for_counts("123", total=1)
    (shown,) = await tidings.list_all("123")
    assert (shown["type"], shown["category"]) == ("notification.requested", "notification")
    assert (shown.get("data", {}), shown.get("entity"), shown.get("expires")) == ({}, None, None)


async def test_any_event_may_state_when_its_notifications_end(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="stays", user_id="alice"),
        make_event(
            "task.assigned",
            task_id="2",
            task_title="ends",
            user_id="alice",
            expires_at=seconds_from_now(2),
        ),
    )
    await alice.until_counts(total=2, unread=2)

    await alice.until_counts(total=1, unread=1)

    (left,) = await tidings.list_all("alice")
    assert left["entity"]["id"] == "1"


async def test_the_end_of_a_certification_does_not_end_the_notification(tidings: Tidings) -> None:
    await tidings.emit(
        make_event(
            "training.certification_expiring",
            user_id="alice",
            title="Hygiene",
            expires_at="2020-01-31",
        )
    )

    await tidings.wait_for_counts("alice", total=1)
    (shown,) = await tidings.list_all("alice")
    assert shown.get("expires") is None
    assert shown["data"]["expires_at"] == "2020-01-31"


async def test_the_manager_of_the_assigned_project_is_notified_of_an_event_that_does_not_name_it(
    tidings: Tidings,
) -> None:
    task = {"task_id": "456", "task_title": "Water"}
    await tidings.emit(
        make_event("team_member.added", project_id="789", user_id="mia", role="manager"),
        make_event("task.assigned", **task, user_id="ann", project_id="789"),
        make_event("task.completed", **task, actor="ann"),
    )

    await tidings.wait_for_counts("mia", total=2)
    types = [shown["type"] for shown in await tidings.list_all("mia")]
    assert sorted(types) == ["task.completed", "team_member.added"]
