"""Locations: who works at one, and what all of them are told."""

from __future__ import annotations

from typing import Any, ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


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


class ToTeam(Event, frozen=True, kw_only=True):
    """What is written for everybody at a location."""

    location_id: Id
    message: str
    update_type: str | None = None
    details: Any = None


class TeamAnnouncement(ToTeam, frozen=True, kw_only=True):
    """Something was announced to a location's team."""

    type: ClassVar[str] = "team.announcement"


class TeamScheduleChanged(ToTeam, frozen=True, kw_only=True):
    """A location's schedule changed."""

    type: ClassVar[str] = "team.schedule_changed"


class TeamPolicyUpdated(ToTeam, frozen=True, kw_only=True):
    """A location has a new policy."""

    type: ClassVar[str] = "team.policy_updated"
