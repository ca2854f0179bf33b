"""The events that Tidings knows: a closed set, one module a domain."""

from __future__ import annotations

from contracts.events.announcements import AnnouncementPublished
from contracts.events.base import AnyRecorded, Event, Opaque, Recorded
from contracts.events.people import RoleGranted, RoleRevoked, SessionRevoked, UserJoined, UserLeft
from contracts.events.projects import MilestoneCompleted, ProjectStatusChanged, TeamMemberAdded, TeamMemberRemoved
from contracts.events.sync import SyncConflictDetected, SyncConflictResolved
from contracts.events.tasks import TaskAssigned, TaskCompleted, TaskStatusChanged, TaskUnassigned, TaskUnwatched, TaskWatched
from contracts.events.volunteers import TimelogApproved, TimelogRejected

EVENTS: tuple[type[Event], ...] = (
    TaskAssigned,
    TaskUnassigned,
    TaskStatusChanged,
    TaskCompleted,
    TaskWatched,
    TaskUnwatched,
    ProjectStatusChanged,
    MilestoneCompleted,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
    SyncConflictDetected,
    SyncConflictResolved,
    AnnouncementPublished,
    UserJoined,
    UserLeft,
    RoleGranted,
    RoleRevoked,
    SessionRevoked,
)

__all__ = [
    "EVENTS",
    "AnnouncementPublished",
    "AnyRecorded",
    "Event",
    "MilestoneCompleted",
    "Opaque",
    "ProjectStatusChanged",
    "Recorded",
    "RoleGranted",
    "RoleRevoked",
    "SessionRevoked",
    "SyncConflictDetected",
    "SyncConflictResolved",
    "TaskAssigned",
    "TaskCompleted",
    "TaskStatusChanged",
    "TaskUnassigned",
    "TaskUnwatched",
    "TaskWatched",
    "TeamMemberAdded",
    "TeamMemberRemoved",
    "TimelogApproved",
    "TimelogRejected",
    "UserJoined",
    "UserLeft",
]
