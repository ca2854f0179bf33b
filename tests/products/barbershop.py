"""The barbershop's examples of sending: run as printed, they emit the events behind them."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

from tests.acceptance.rooms import wait_until_routed
from tests.builders import make_event
from tests.driver import Tidings
from tests.products.documents import BARBERSHOP, read_document

APPOINTMENT = {
    "appointment_id": "31",
    "user_id": "alice",
    "client_name": "Noor",
    "service": "cut",
    "time": "2026-12-01T10:00:00Z",
}
EVENT_TYPES = {
    "new_booking": "appointment.booked",
    "schedule_change": "team.schedule_changed",
}
"""The event behind each type of the document's examples."""


class NotificationService:
    """Emits the event behind each call of the document's service."""

    def __init__(self, tidings: Tidings) -> None:
        self._tidings = tidings

    async def send_appointment_notification(
        self, db: None, user_id: str, appointment_data: dict[str, Any], notification_type: str
    ) -> None:
        """Emit the event of an appointment."""
        type_ = EVENT_TYPES[notification_type]
        await self._tidings.emit(make_event(type_, user_id=user_id, **appointment_data))

    async def send_performance_alert(self, db: None, user_id: str, **alert: Any) -> None:
        """Emit that a metric crossed its threshold."""
        await self._tidings.emit(
            make_event("performance.threshold_exceeded", user_id=user_id, **alert)
        )

    async def send_team_update(
        self, db: None, location_id: str, update_type: str, data: dict[str, Any]
    ) -> None:
        """Emit an update of a location; the document leaves its details open."""
        given = {name: value for name, value in data.items() if name != "details"}
        await self._tidings.emit(
            make_event(
                EVENT_TYPES[update_type],
                location_id=location_id,
                update_type=update_type,
                details={"days": ["2026-12-24"]},
                **given,
            )
        )


async def run_examples(tidings: Tidings) -> None:
    """Run the document's examples of sending, as they are printed."""
    code = read_document(BARBERSHOP).block("python", "send_appointment_notification")
    tree = ast.parse(code)
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    names = {
        "NotificationService": NotificationService(tidings),
        "db": None,
        "barber_user_id": "alice",
        "user_id": "alice",
        "location_id": "5",
        "appointment": SimpleNamespace(
            id="31",
            client_name=APPOINTMENT["client_name"],
            service_name=APPOINTMENT["service"],
            appointment_time=APPOINTMENT["time"],
        ),
    }
    await eval(compile(tree, BARBERSHOP, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)


async def add_staff(tidings: Tidings, location: str, *users: str) -> None:
    """Add users to the staff of a location, and wait until that is routed."""
    await tidings.emit(
        *(make_event("location.staff_joined", location_id=location, user_id=user) for user in users)
    )
    await wait_until_routed(tidings)


EXAMPLES = [
    ("appointment.booked", APPOINTMENT, "appointment", "new_booking"),
    ("appointment.cancelled", APPOINTMENT, "appointment", "cancellation"),
    ("appointment.reminder", APPOINTMENT, "appointment", "reminder"),
    ("appointment.no_show", APPOINTMENT, "appointment", "no_show"),
    (
        "training.module_available",
        {"user_id": "alice", "title": "Colouring II"},
        "training",
        "new_module",
    ),
    (
        "achievement.revenue_milestone",
        {"user_id": "alice", "title": "Gold", "amount": 1000, "period": "month"},
        "achievement",
        "revenue_milestone",
    ),
    ("task.assigned", {"task_id": "7", "user_id": "alice", "task_title": "Sweep"}, "system", None),
    (
        "notification.requested",
        {
            "to": {"users": ["alice"]},
            "title": "Hello",
            "message": "there",
            "type": "client",
            "action_url": "/clients/7",
        },
        "system",
        "client",
    ),
]
