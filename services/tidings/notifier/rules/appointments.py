"""What a barber is told about appointments."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentReminder,
    Recorded,
)
from tidings.contracts.notifications import Entity, Level
from tidings.notifier.rule import Rule, Tell

Appointment = AppointmentBooked | AppointmentCancelled | AppointmentReminder | AppointmentNoShow


def came_about(recorded: Recorded[AppointmentBooked | AppointmentReminder]) -> Iterator[Tell]:
    """Tell the barber of a client who comes."""
    yield _told(recorded.event, "info")


def came_to_nothing(recorded: Recorded[AppointmentCancelled | AppointmentNoShow]) -> Iterator[Tell]:
    """Warn the barber of a client who does not come."""
    yield _told(recorded.event, "warning")


def _told(event: Appointment, level: Level) -> Tell:
    """In the words that the event brings, if it does."""
    return Tell(
        to=(event.user_id,),
        says={
            "client": event.client_name,
            "service": event.service,
            "time": event.time,
            "message": event.message or "",
        },
        wording="own" if event.message else "message",
        category="appointment",
        level=level,
        entity=Entity(type="appointment", id=event.appointment_id),
    )


RULES = (
    Rule("appointment_booked", AppointmentBooked, came_about),
    Rule("appointment_cancelled", AppointmentCancelled, came_to_nothing),
    Rule("appointment_reminder", AppointmentReminder, came_about),
    Rule("appointment_no_show", AppointmentNoShow, came_to_nothing),
)
