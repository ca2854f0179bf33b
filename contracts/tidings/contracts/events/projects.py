"""Projects: their teams, status and milestones."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class ProjectStatusChanged(Event, frozen=True, kw_only=True):
    """A project moved from one status to another."""

    type: ClassVar[str] = "project.status_changed"
    project_id: Id
    project_name: str
    new_status: str
    old_status: str | None = None


class MilestoneCompleted(Event, frozen=True, kw_only=True):
    """A project reached a milestone."""

    type: ClassVar[str] = "milestone.completed"
    project_id: Id
    project_name: str
    milestone_id: Id
    milestone_title: str


class TeamMemberAdded(Event, frozen=True, kw_only=True):
    """Somebody joined a project's team, as a member or in another role (`manager`)."""

    type: ClassVar[str] = "team_member.added"
    project_id: Id
    user_id: Id
    project_name: str | None = None
    role: Id | None = None


class TeamMemberRemoved(Event, frozen=True, kw_only=True):
    """Somebody left a project's team; with a role, only that role."""

    type: ClassVar[str] = "team_member.removed"
    project_id: Id
    user_id: Id
    project_name: str | None = None
    role: Id | None = None
