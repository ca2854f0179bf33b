"""The five products on one backbone: what happens in each reaches those concerned, in their own words and language."""

from __future__ import annotations

from tests.driver import Tidings, event

WORK_ORDER = {
    "work_order_id": "WO-7",
    "status": "on hold",
    "issues": "Leaking valve",
    "alert_office": True,
}


async def titles(tidings: Tidings, user: str, count: int) -> list[str]:
    """What somebody was told, the first thing first, once it is so many things."""
    await tidings.eventually(user, total=count)
    return [each["title"] for each in reversed(await tidings.listing(user))]


async def test_each_product_tells_its_own_people_in_what_they_speak(tidings: Tidings) -> None:
    await tidings.emit(
        event("user.joined", user_id="olga", locale="de-AT"),
        event("role.granted", user_id="olga", role="office"),
        event("work_order.assigned", work_order_id="WO-7", technician_id="tom"),
        event("location.staff_joined", location_id="5", user_id="bea"),
        *(
            event("room.member_joined", room_id="9", user_id=user)
            for user in ("bea", "olga", "zoe")
        ),
    )

    await tidings.emit(
        event("work_order.updated", actor="tom", **WORK_ORDER),
        event("team.announcement", location_id="5", message="We open at nine"),
        event(
            "appointment.booked",
            appointment_id="a",
            user_id="bea",
            client_name="Noor",
            service="Trim",
            time="10:30",
        ),
        event("achievement.revenue_milestone", user_id="bea", title="Ten thousand", value=10_000),
        event(
            "message.posted",
            message_id="m",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello, everybody",
        ),
        event(
            "incident.created",
            incident_id="3",
            number="INC-42",
            title="Database is down",
            responders=["tom"],
        ),
        event("timelog.approved", timelog_id="t", user_id="tom", hours=1, project_id="1"),
    )

    assert await titles(tidings, "olga", 4) == [
        "Auftrag geändert",
        "Problem gemeldet",
        "Büro wird gebraucht",
        "Neue Nachricht von Zoë",
    ]
    assert await titles(tidings, "bea", 4) == [
        "Team announcement",
        "New appointment",
        "Revenue milestone",
        "New message from Zoë",
    ]
    assert await titles(tidings, "tom", 2) == ["Incident INC-42", "Hours approved"]
    assert await tidings.listing("zoe") == []


async def test_what_the_products_clients_need_is_in_the_notification(tidings: Tidings) -> None:
    await tidings.emit(
        event("room.member_joined", room_id="9", user_id="bea"),
        event("role.granted", user_id="olga", role="office"),
        event(
            "message.posted",
            message_id="m",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello",
        ),
        event("achievement.performance", user_id="tom", title="Well done"),
        event("incident.assigned", incident_id="3", number=42, user_id="rosa"),
        event("work_order.updated", work_order_id="WO-7", status="open", alert_office=True),
    )
    for user, count in {"bea": 1, "tom": 1, "rosa": 1, "olga": 2}.items():
        await tidings.eventually(user, total=count)

    ((message,), (achievement,), (incident,)) = [
        await tidings.listing(user) for user in ("bea", "tom", "rosa")
    ]
    assert (message["group"], message["actor"]) == ("room:9", "zoe")
    assert (message["data"]["room_id"], message["data"]["sender_id"]) == ("9", "zoe")
    assert achievement["data"]["celebrate"] is True
    assert (incident["entity"], incident["priority"]) == (
        {"type": "incident", "id": "3", "url": "/incidents/3"},
        "high",
    )
    told = {
        each["category"]: each.get("priority", "normal") for each in await tidings.listing("olga")
    }
    assert told == {"STATUS_UPDATE": "normal", "OFFICE_ALERT": "critical"}
