"""Five products on one backbone: their events reach the right users in their own language."""

from __future__ import annotations

from tests.builders import make_event
from tests.driver import Tidings

WORK_ORDER = {
    "work_order_id": "WO-7",
    "status": "on hold",
    "issues": "Leaking valve",
    "alert_office": True,
}


async def wait_for_titles(tidings: Tidings, user: str, count: int) -> list[str]:
    """Wait for this many notifications of a user, and return their titles, oldest first."""
    await tidings.wait_for_counts(user, total=count)
    return [notification["title"] for notification in reversed(await tidings.list_all(user))]


async def test_each_product_notifies_its_own_users_in_their_locale(tidings: Tidings) -> None:
    await tidings.emit(
        make_event("user.joined", user_id="olga", locale="de-AT"),
        make_event("role.granted", user_id="olga", role="office"),
        make_event("work_order.assigned", work_order_id="WO-7", technician_id="tom"),
        make_event("location.staff_joined", location_id="5", user_id="bea"),
        *(
            make_event("room.member_joined", room_id="9", user_id=user)
            for user in ("bea", "olga", "zoe")
        ),
    )

    await tidings.emit(
        make_event("work_order.updated", actor="tom", **WORK_ORDER),
        make_event("team.announcement", location_id="5", message="We open at nine"),
        make_event(
            "appointment.booked",
            appointment_id="a",
            user_id="bea",
            client_name="Noor",
            service="Trim",
            time="10:30",
        ),
        make_event(
            "achievement.revenue_milestone", user_id="bea", title="Ten thousand", value=10_000
        ),
        make_event(
            "message.posted",
            message_id="m",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello, everybody",
        ),
        make_event(
            "incident.created",
            incident_id="3",
            number="INC-42",
            title="Database is down",
            responders=["tom"],
        ),
        make_event("timelog.approved", timelog_id="t", user_id="tom", hours=1, project_id="1"),
    )

    assert await wait_for_titles(tidings, "olga", 4) == [
        "Auftrag geändert",
        "Problem gemeldet",
        "Büro wird gebraucht",
        "Neue Nachricht von Zoë",
    ]
    assert await wait_for_titles(tidings, "bea", 4) == [
        "Team announcement",
        "New appointment",
        "Revenue milestone",
        "New message from Zoë",
    ]
    assert await wait_for_titles(tidings, "tom", 5) == [
        "Work order assigned",
        "Work order updated",
        "Issue reported",
        "New Incident Created",
        "Time Log Approved",
    ]
    assert await tidings.list_all("zoe") == []


async def test_a_notification_contains_what_the_client_of_the_product_needs(
    tidings: Tidings,
) -> None:
    await tidings.emit(
        make_event("room.member_joined", room_id="9", user_id="bea"),
        make_event("role.granted", user_id="olga", role="office"),
        make_event(
            "message.posted",
            message_id="m",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello",
        ),
        make_event("achievement.performance", user_id="tom", title="Well done"),
        make_event(
            "incident.assigned", incident_id="3", number=42, user_id="rosa", severity="high"
        ),
        make_event("work_order.updated", work_order_id="WO-7", status="open", alert_office=True),
    )
    for user, count in {"bea": 1, "tom": 1, "rosa": 1, "olga": 2}.items():
        await tidings.wait_for_counts(user, total=count)

    ((message,), (achievement,), (incident,)) = [
        await tidings.list_all(user) for user in ("bea", "tom", "rosa")
    ]
    assert ("group" in message, message["actor"]) == (False, "zoe")
    assert (message["data"]["room_id"], message["data"]["sender_id"]) == ("9", "zoe")
    assert achievement["data"]["celebrate"] is True
    assert (incident["entity"], incident["priority"]) == (
        {"type": "incident", "id": "3", "url": "/incidents/3"},
        "high",
    )
    priorities = {
        notification["category"]: notification.get("priority", "normal")
        for notification in await tidings.list_all("olga")
    }
    assert priorities == {"status_update": "normal", "office_alert": "critical"}
