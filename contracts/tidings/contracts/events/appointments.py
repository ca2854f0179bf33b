"""Appointments of a barber (`user_id`) with a client."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class Appointment(Event, frozen=True, kw_only=True):
    """What every event of an appointment says; `message` replaces our words."""

    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None


class AppointmentBooked(Appointment, frozen=True, kw_only=True):
    """A client booked an appointment."""

    type: ClassVar[str] = "appointment.booked"


class AppointmentCancelled(Appointment, frozen=True, kw_only=True):
    """An appointment was cancelled."""

    type: ClassVar[str] = "appointment.cancelled"


class AppointmentReminder(Appointment, frozen=True, kw_only=True):
    """An appointment is near."""

    type: ClassVar[str] = "appointment.reminder"


class AppointmentNoShow(Appointment, frozen=True, kw_only=True):
    """A client did not come."""

    type: ClassVar[str] = "appointment.no_show"
