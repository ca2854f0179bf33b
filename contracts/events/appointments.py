"""Appointments of a barber (`user_id`) with a client."""

from __future__ import annotations

from typing import ClassVar

from contracts.events.base import Event
from contracts.ids import Id


class AppointmentBooked(Event, frozen=True, kw_only=True):
    """A client booked an appointment."""

    type: ClassVar[str] = "appointment.booked"
    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None


class AppointmentCancelled(Event, frozen=True, kw_only=True):
    """An appointment was cancelled."""

    type: ClassVar[str] = "appointment.cancelled"
    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None


class AppointmentReminder(Event, frozen=True, kw_only=True):
    """An appointment is near."""

    type: ClassVar[str] = "appointment.reminder"
    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None


class AppointmentNoShow(Event, frozen=True, kw_only=True):
    """A client did not come."""

    type: ClassVar[str] = "appointment.no_show"
    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None
