"""The events that Tidings knows: a closed set, one module a domain."""

from __future__ import annotations

from contracts.events.achievements import AchievementPerformance, AchievementRevenueMilestone
from contracts.events.announcements import AnnouncementPublished
from contracts.events.appointments import AppointmentBooked, AppointmentCancelled, AppointmentNoShow, AppointmentReminder
from contracts.events.base import AnyRecorded, Event, Opaque, Recorded
from contracts.events.incidents import IncidentAssigned, IncidentCreated, IncidentResolved, IncidentStatusChanged
from contracts.events.locations import LocationStaffJoined, LocationStaffLeft, TeamAnnouncement, TeamPolicyUpdated, TeamScheduleChanged
from contracts.events.notifications import NotificationActed, NotificationRead
from contracts.events.people import RoleGranted, RoleRevoked, SessionRevoked, UserJoined, UserLeft
from contracts.events.performance import PerformanceGoalAchieved, PerformanceThresholdExceeded, PerformanceTrendChanged
from contracts.events.projects import MilestoneCompleted, ProjectStatusChanged, TeamMemberAdded, TeamMemberRemoved
from contracts.events.rooms import MessagePosted, RoomMemberJoined, RoomMemberLeft
from contracts.events.supplies import EquipmentAlert, InventoryAlert
from contracts.events.sync import SyncConflictDetected, SyncConflictResolved
from contracts.events.tasks import TaskAssigned, TaskCompleted, TaskDeleted, TaskStatusChanged, TaskUnassigned, TaskUnwatched, TaskWatched
from contracts.events.training import TrainingCertificationExpiring, TrainingCourseCompleted, TrainingModuleAvailable
from contracts.events.volunteers import TimelogApproved, TimelogRejected
from contracts.events.work_orders import TechnicianNotified, WorkOrderAssigned, WorkOrderDeleted, WorkOrderUnassigned, WorkOrderUpdated

EVENTS: tuple[type[Event], ...] = (
    TaskAssigned,
    TaskUnassigned,
    TaskStatusChanged,
    TaskCompleted,
    TaskWatched,
    TaskUnwatched,
    TaskDeleted,
    ProjectStatusChanged,
    MilestoneCompleted,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
    SyncConflictDetected,
    SyncConflictResolved,
    WorkOrderAssigned,
    WorkOrderUnassigned,
    WorkOrderUpdated,
    WorkOrderDeleted,
    TechnicianNotified,
    EquipmentAlert,
    InventoryAlert,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentReminder,
    AppointmentNoShow,
    PerformanceThresholdExceeded,
    PerformanceGoalAchieved,
    PerformanceTrendChanged,
    LocationStaffJoined,
    LocationStaffLeft,
    TeamAnnouncement,
    TeamScheduleChanged,
    TeamPolicyUpdated,
    TrainingCourseCompleted,
    TrainingModuleAvailable,
    TrainingCertificationExpiring,
    AchievementRevenueMilestone,
    AchievementPerformance,
    RoomMemberJoined,
    RoomMemberLeft,
    MessagePosted,
    IncidentCreated,
    IncidentAssigned,
    IncidentStatusChanged,
    IncidentResolved,
    AnnouncementPublished,
    NotificationRead,
    NotificationActed,
    UserJoined,
    UserLeft,
    RoleGranted,
    RoleRevoked,
    SessionRevoked,
)

OWN: tuple[type[Event], ...] = (NotificationRead, NotificationActed)
"""Of these, what nobody but Tidings may state."""

__all__ = [
    "EVENTS",
    "OWN",
    "AchievementPerformance",
    "AchievementRevenueMilestone",
    "AnnouncementPublished",
    "AnyRecorded",
    "AppointmentBooked",
    "AppointmentCancelled",
    "AppointmentNoShow",
    "AppointmentReminder",
    "EquipmentAlert",
    "Event",
    "IncidentAssigned",
    "IncidentCreated",
    "IncidentResolved",
    "IncidentStatusChanged",
    "InventoryAlert",
    "LocationStaffJoined",
    "LocationStaffLeft",
    "MessagePosted",
    "MilestoneCompleted",
    "NotificationActed",
    "NotificationRead",
    "Opaque",
    "PerformanceGoalAchieved",
    "PerformanceThresholdExceeded",
    "PerformanceTrendChanged",
    "ProjectStatusChanged",
    "Recorded",
    "RoleGranted",
    "RoleRevoked",
    "RoomMemberJoined",
    "RoomMemberLeft",
    "SessionRevoked",
    "SyncConflictDetected",
    "SyncConflictResolved",
    "TaskAssigned",
    "TaskCompleted",
    "TaskDeleted",
    "TaskStatusChanged",
    "TaskUnassigned",
    "TaskUnwatched",
    "TaskWatched",
    "TeamAnnouncement",
    "TeamMemberAdded",
    "TeamMemberRemoved",
    "TeamPolicyUpdated",
    "TeamScheduleChanged",
    "TechnicianNotified",
    "TimelogApproved",
    "TimelogRejected",
    "TrainingCertificationExpiring",
    "TrainingCourseCompleted",
    "TrainingModuleAvailable",
    "UserJoined",
    "UserLeft",
    "WorkOrderAssigned",
    "WorkOrderDeleted",
    "WorkOrderUnassigned",
    "WorkOrderUpdated",
]
