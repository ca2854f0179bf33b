"""The events that Tidings knows: a closed set, one module a domain."""

from __future__ import annotations

from tidings.contracts.events.achievements import (
    AchievementPerformance,
    AchievementRevenueMilestone,
)
from tidings.contracts.events.announcements import AnnouncementPublished
from tidings.contracts.events.appointments import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentReminder,
)
from tidings.contracts.events.base import AnyRecorded, Event, Opaque, Recorded
from tidings.contracts.events.incidents import (
    IncidentAssigned,
    IncidentCreated,
    IncidentResolved,
    IncidentStatusChanged,
)
from tidings.contracts.events.locations import (
    LocationStaffJoined,
    LocationStaffLeft,
    TeamAnnouncement,
    TeamPolicyUpdated,
    TeamScheduleChanged,
)
from tidings.contracts.events.notifications import NotificationActed, NotificationRead
from tidings.contracts.events.people import (
    RoleGranted,
    RoleRevoked,
    SessionRevoked,
    UserJoined,
    UserLeft,
)
from tidings.contracts.events.performance import (
    PerformanceGoalAchieved,
    PerformanceThresholdExceeded,
    PerformanceTrendChanged,
)
from tidings.contracts.events.projects import (
    MilestoneCompleted,
    ProjectStatusChanged,
    TeamMemberAdded,
    TeamMemberRemoved,
)
from tidings.contracts.events.rooms import MessagePosted, RoomMemberJoined, RoomMemberLeft
from tidings.contracts.events.supplies import EquipmentAlert, InventoryAlert
from tidings.contracts.events.sync import SyncConflictDetected, SyncConflictResolved
from tidings.contracts.events.tasks import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
)
from tidings.contracts.events.training import (
    TrainingCertificationExpiring,
    TrainingCourseCompleted,
    TrainingModuleAvailable,
)
from tidings.contracts.events.volunteers import TimelogApproved, TimelogRejected
from tidings.contracts.events.work_orders import (
    TechnicianNotified,
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUnassigned,
    WorkOrderUpdated,
)

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
