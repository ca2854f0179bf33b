"""Locations: who works at one, and what all of them are told."""

from __future__ import annotations

from typing import Any, ClassVar

from contracts.events.base import Event
from contracts.ids import Id


class LocationStaffJoined(Event, frozen=True, kw_only=True):
    """Somebody works at a location from now on."""

    type: ClassVar[str] = "location.staff_joined"
    location_id: Id
    user_id: Id


class LocationStaffLeft(Event, frozen=True, kw_only=True):
    """Somebody no longer works at a location."""

    type: ClassVar[str] = "location.staff_left"
    location_id: Id
    user_id: Id


class TeamAnnouncement(Event, frozen=True, kw_only=True):
    """Something was announced to a location's team."""

    type: ClassVar[str] = "team.announcement"
    location_id: Id
    message: str
    update_type: str | None = None
    details: Any = None


class TeamScheduleChanged(Event, frozen=True, kw_only=True):
    """A location's schedule changed."""

    type: ClassVar[str] = "team.schedule_changed"
    location_id: Id
    message: str
    update_type: str | None = None
    details: Any = None


class TeamPolicyUpdated(Event, frozen=True, kw_only=True):
    """A location has a new policy."""

    type: ClassVar[str] = "team.policy_updated"
    location_id: Id
    message: str
    update_type: str | None = None
    details: Any = None
