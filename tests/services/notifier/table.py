"""The required notifications: event, recipients, text and priority of each rule."""

from __future__ import annotations

from typing import Any, NamedTuple

from tidings.contracts.event import Event
from tidings.contracts.notifications import Entity
from tidings.domains.addresses.events import AddressGiven
from tidings.domains.announcements.events import (
    Addressees,
    AnnouncementPublished,
    NotificationRequested,
    RequestedEntity,
)
from tidings.domains.barbershop.events import (
    AchievementPerformance,
    AchievementRevenueMilestone,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentReminder,
    PerformanceGoalAchieved,
    PerformanceThresholdExceeded,
    PerformanceTrendChanged,
    TeamAnnouncement,
    TeamPolicyUpdated,
    TeamScheduleChanged,
    TrainingCertificationExpiring,
    TrainingCourseCompleted,
    TrainingModuleAvailable,
)
from tidings.domains.chat.events import MessagePosted
from tidings.domains.deliveries.events import ChannelSuppressed, NotificationUnattended
from tidings.domains.field_service.events import (
    EquipmentAlert,
    InventoryAlert,
    TechnicianNotified,
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUpdated,
)
from tidings.domains.incidents.events import (
    IncidentAssigned,
    IncidentClosed,
    IncidentCreated,
    IncidentEscalated,
    IncidentResolved,
    IncidentStatusChanged,
)
from tidings.domains.notifications.events import NotificationActed, NotificationRead
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    ProjectStatusChanged,
    SyncConflictDetected,
    SyncConflictResolved,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TeamMemberAdded,
    TimelogApproved,
    TimelogRejected,
)


class RuleCase(NamedTuple):
    """A case of the table: a rule, its event, its recipients, its text and its priority."""

    rule: str
    event: Event
    recipients: str
    title: str
    message: str
    category: str
    entity: tuple[str, str] | None
    level: str = "info"
    priority: str = "normal"
    references: tuple[str, ...] = ()
    include_actor: bool = False
    group: str | None = None
    url: str | None = None
    type: str | None = None


WATER: dict[str, Any] = {"task_id": "456", "task_title": "Water the seedlings", "project_id": "789"}
GARDEN: dict[str, Any] = {"project_id": "789", "project_name": "School garden"}
HOURS = {
    "timelog_id": "t-5",
    "user_id": "volunteer",
    "hours": 2.5,
    "project_id": "789",
    "task_id": "456",
}
CONFLICT: dict[str, Any] = {
    "conflict_id": "c-1",
    "user_id": "volunteer",
    "entity_type": "task",
    "entity_id": "456",
}
TASK, PROJECT, TIMELOG, ANNOUNCEMENT = (
    ("task", "456"),
    ("project", "789"),
    ("timelog", "t-5"),
    ("announcement", "fact-1"),
)
WORK_ORDER, APPOINTMENT, METRIC, INCIDENT = (
    ("work_order", "7"),
    ("appointment", "a-5"),
    ("metric", "revenue"),
    ("incident", "3"),
)
NOOR: dict[str, Any] = {
    "appointment_id": "a-5",
    "user_id": "barber",
    "client_name": "Noor",
    "service": "Beard trim",
    "time": "half past ten",
}
REVENUE: dict[str, Any] = {"user_id": "barber", "metric_type": "revenue", "current_value": 1250.5}
NOTIFICATION_ID = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
OF_TASK = ("task 456", "project 789")


def make_announcement_case(to: Addressees, recipients: str) -> RuleCase:
    event = AnnouncementPublished(
        title="Harvest festival", message="Saturday at ten", to=to, priority="high"
    )
    expected_text = ("Harvest festival", "Saturday at ten", "system_announcement", ANNOUNCEMENT)
    return RuleCase(
        "announced", event, recipients, *expected_text, priority="high", include_actor=True
    )


TABLE = (
    RuleCase(
        "task_assigned_to_you",
        TaskAssigned(**WATER, user_id="volunteer"),
        "volunteer",
        *("Task Assigned", 'You have been assigned to task: "Water the seedlings"', "task", TASK),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "task_status_changed",
        TaskStatusChanged(**WATER, new_status="in progress", old_status="open"),
        "assignee busy manager volunteer",
        *("Task Status Changed", "Water the seedlings is now: in progress", "task", TASK),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "task_status_changed",
        TaskStatusChanged(task_id="456", task_title="Water the seedlings", new_status="done"),
        "assignee busy manager volunteer",
        *("Task Status Changed", "Water the seedlings is now: done", "task", TASK),
        references=("task 456",),
        include_actor=True,
    ),
    RuleCase(
        "task_completed",
        TaskCompleted(**WATER, completed_by="somebody"),
        "assignee busy manager volunteer watcher",
        *("Task Completed", "Water the seedlings is done", "task", TASK, "success"),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "project_status_changed",
        ProjectStatusChanged(**GARDEN, new_status="active"),
        "manager member",
        *("Project Status Changed", "School garden is now: active", "project", PROJECT),
        references=("project 789",),
        include_actor=True,
    ),
    RuleCase(
        "milestone_completed",
        MilestoneCompleted(**GARDEN, milestone_id="m-3", milestone_title="Beds are dug"),
        "manager member",
        *(
            "Milestone Completed",
            "School garden has reached a milestone: Beds are dug",
            "project",
            ("milestone", "m-3"),
            "success",
        ),
        references=("project 789",),
        include_actor=True,
    ),
    RuleCase(
        "added_to_team",
        TeamMemberAdded(**GARDEN, user_id="newcomer"),
        "newcomer",
        *("Team Member Added", "You are now on the team of School garden", "project", PROJECT),
        references=("project 789",),
        include_actor=True,
    ),
    RuleCase(
        "added_to_team",
        TeamMemberAdded(project_id="789", user_id="newcomer", role="manager"),
        "newcomer",
        *("Team Member Added", "You are now on the team of 789", "project", PROJECT),
        references=("project 789",),
        include_actor=True,
    ),
    RuleCase(
        "hours_approved",
        TimelogApproved(**HOURS),
        "volunteer",
        *("Time Log Approved", "Your 2.5 hours were approved", "timelog", TIMELOG, "success"),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "hours_rejected",
        TimelogRejected(**{**HOURS, "hours": 12.0}, reason="more than the day had"),
        "volunteer",
        *(
            "Time Log Rejected",
            "Your 12 hours were rejected: more than the day had",
            "timelog",
            TIMELOG,
            "warning",
        ),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "sync_conflict_detected",
        SyncConflictDetected(**CONFLICT),
        "volunteer",
        *(
            "Conflict Detected",
            "Your changes to task 456 conflict with another version",
            "sync",
            TASK,
            "warning",
        ),
        include_actor=True,
    ),
    RuleCase(
        "sync_conflict_resolved",
        SyncConflictResolved(**CONFLICT),
        "volunteer",
        *("Conflict Resolved", "The conflict in task 456 is settled", "sync", TASK),
        include_actor=True,
    ),
    RuleCase(
        "work_order_assigned_to_you",
        WorkOrderAssigned(work_order_id="7", technician_id="technician"),
        "technician",
        *("Work order assigned", "Work order 7 assigned to you", "work_order_update", WORK_ORDER),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "work_order_status",
        WorkOrderUpdated(work_order_id="7", status="on hold", notes="Gate is locked"),
        "busy office technician",
        *(
            "Work order updated",
            "Work order 7 status updated to: on hold",
            "status_update",
            WORK_ORDER,
        ),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "work_order_issue",
        WorkOrderUpdated(
            work_order_id="7", status="on hold", issues="Leaking valve", alert_office=True
        ),
        "busy office technician",
        *(
            "Issue reported",
            "Issue reported for work order 7: Leaking valve",
            "issue_detected",
            WORK_ORDER,
            "warning",
            "high",
        ),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "work_order_office_alert",
        WorkOrderUpdated(
            work_order_id="7", status="on hold", issues="Leaking valve", alert_office=True
        ),
        "busy office",
        *(
            "Office alert",
            "Office alert requested for work order 7",
            "office_alert",
            WORK_ORDER,
            "error",
            "critical",
        ),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "technician_notified",
        TechnicianNotified(
            technician_id="technician",
            message="Call back, please",
            work_order_id="7",
            priority="critical",
        ),
        "technician",
        *(
            "Message from the office",
            "Call back, please",
            "work_order_update",
            WORK_ORDER,
            "info",
            "critical",
        ),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "technician_notified",
        TechnicianNotified(technician_id="technician", message="Drive safely"),
        "technician",
        *("Message from the office", "Drive safely", "office_alert", None),
        include_actor=True,
    ),
    RuleCase(
        "equipment_alert",
        EquipmentAlert(
            equipment_id="e-1", name="Pump 4", message="Pressure is falling", technician_id="tess"
        ),
        "busy office tess",
        *(
            "Equipment alert: Pump 4",
            "Pressure is falling",
            "equipment_alert",
            ("equipment", "e-1"),
            "warning",
            "high",
        ),
        include_actor=True,
    ),
    RuleCase(
        "equipment_alert",
        EquipmentAlert(equipment_id="e-1", name="Pump 4", message="It burns", severity="critical"),
        "busy office",
        *(
            "Equipment alert: Pump 4",
            "It burns",
            "equipment_alert",
            ("equipment", "e-1"),
            "warning",
            "critical",
        ),
        include_actor=True,
    ),
    RuleCase(
        "inventory_alert",
        InventoryAlert(
            item_id="i-9", name="Gasket", quantity=2, threshold=1200, technician_id="technician"
        ),
        "busy office technician",
        *(
            "Low stock: Gasket",
            "Only 2 are left of Gasket (there should be 1,200)",
            "inventory_alert",
            ("item", "i-9"),
            "warning",
            "high",
        ),
        include_actor=True,
    ),
    RuleCase(
        "inventory_alert",
        InventoryAlert(item_id="i-9", name="Gasket", quantity=0, threshold=10),
        "busy office",
        *(
            "Low stock: Gasket",
            "Nothing is left of Gasket (there should be 10)",
            "inventory_alert",
            ("item", "i-9"),
            "warning",
            "high",
        ),
        include_actor=True,
    ),
    RuleCase(
        "appointment_booked",
        AppointmentBooked(**NOOR),
        "barber",
        *("New appointment", "New appointment booked with Noor", "appointment", APPOINTMENT),
    ),
    RuleCase(
        "appointment_cancelled",
        AppointmentCancelled(**NOOR),
        "barber",
        *(
            "Appointment cancelled",
            "Noor cancelled Beard trim: half past ten",
            "appointment",
            APPOINTMENT,
            "warning",
        ),
    ),
    RuleCase(
        "appointment_reminder",
        AppointmentReminder(**NOOR, message="Noor is early today"),
        "barber",
        *("Appointment reminder", "Noor is early today", "appointment", APPOINTMENT),
    ),
    RuleCase(
        "appointment_reminder",
        AppointmentReminder(**NOOR),
        "barber",
        *(
            "Appointment reminder",
            "Noor comes for Beard trim: half past ten",
            "appointment",
            APPOINTMENT,
        ),
    ),
    RuleCase(
        "appointment_no_show",
        AppointmentNoShow(**NOOR),
        "barber",
        *(
            "Client did not come",
            "Noor did not come for Beard trim: half past ten",
            "appointment",
            APPOINTMENT,
            "warning",
        ),
    ),
    RuleCase(
        "performance_threshold_exceeded",
        PerformanceThresholdExceeded(**REVENUE, threshold=1000),
        "barber",
        *(
            "Threshold exceeded",
            "Your revenue is 1,250.5, above the threshold of 1,000",
            "performance",
            METRIC,
        ),
    ),
    RuleCase(
        "performance_threshold_exceeded",
        PerformanceThresholdExceeded(**REVENUE),
        "barber",
        *(
            "Threshold crossed",
            "Your revenue is 1,250.5",
            "performance",
            METRIC,
        ),
    ),
    RuleCase(
        "performance_threshold_exceeded",
        PerformanceThresholdExceeded(
            user_id="barber",
            metric_type="booking_rate",
            current_value=85.5,
            threshold=90.0,
            trend="decreasing",
        ),
        "barber",
        *(
            "Below threshold",
            "Your booking_rate is 85.5, below the threshold of 90 (decreasing)",
            "performance",
            ("metric", "booking_rate"),
        ),
    ),
    RuleCase(
        "performance_goal_achieved",
        PerformanceGoalAchieved(**REVENUE),
        "barber",
        *(
            "Goal achieved",
            "You reached your goal: revenue is 1,250.5",
            "performance",
            METRIC,
            "success",
        ),
    ),
    RuleCase(
        "performance_trend_changed",
        PerformanceTrendChanged(**REVENUE, trend="rising"),
        "barber",
        *(
            "Trend changed",
            "The trend of your revenue is now: rising (1,250.5)",
            "performance",
            METRIC,
        ),
    ),
    RuleCase(
        "performance_trend_changed",
        PerformanceTrendChanged(**REVENUE),
        "barber",
        *(
            "Trend changed",
            "The trend of your revenue changed; it is 1,250.5 now",
            "performance",
            METRIC,
        ),
    ),
    RuleCase(
        "team_announcement",
        TeamAnnouncement(location_id="5", message="We open at nine"),
        "barber trainee",
        *("Team announcement", "We open at nine", "team", ("location", "5")),
    ),
    RuleCase(
        "team_schedule_changed",
        TeamScheduleChanged(location_id="5", message="Closed on Monday"),
        "barber trainee",
        *("Schedule changed", "Closed on Monday", "team", ("location", "5")),
    ),
    RuleCase(
        "team_policy_updated",
        TeamPolicyUpdated(location_id="5", message="Aprons, please"),
        "barber trainee",
        *("Policy updated", "Aprons, please", "team", ("location", "5")),
    ),
    RuleCase(
        "training_course_completed",
        TrainingCourseCompleted(user_id="trainee", title="Colour basics", course_id="c-8"),
        "trainee",
        *(
            "Course completed",
            "You have completed Colour basics",
            "training",
            ("course", "c-8"),
            "success",
        ),
    ),
    RuleCase(
        "training_module_available",
        TrainingModuleAvailable(user_id="trainee", title="Fades"),
        "trainee",
        *("New training module", "Fades is available", "training", None),
    ),
    RuleCase(
        "training_certification_expiring",
        TrainingCertificationExpiring(user_id="trainee", title="Hygiene", expires_at="2026-12-01"),
        "trainee",
        *(
            "Certification expires soon",
            "Your certification Hygiene expires on December 1, 2026",
            "training",
            None,
            "warning",
        ),
    ),
    RuleCase(
        "training_certification_expiring",
        TrainingCertificationExpiring(user_id="trainee", title="Hygiene"),
        "trainee",
        *(
            "Certification expires soon",
            "Your certification Hygiene expires soon",
            "training",
            None,
            "warning",
        ),
    ),
    RuleCase(
        "achievement_revenue_milestone",
        AchievementRevenueMilestone(user_id="barber", title="Ten thousand", value=10_000),
        "barber",
        *(
            "Revenue milestone",
            "You reached a milestone: Ten thousand (10,000)",
            "achievement",
            None,
            "success",
        ),
    ),
    RuleCase(
        "achievement_performance",
        AchievementPerformance(user_id="barber", title="Barber of the month"),
        "barber",
        *("Achievement", "Well done: Barber of the month", "achievement", None, "success"),
    ),
    RuleCase(
        "message_posted",
        MessagePosted(
            message_id="m-1",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello,\neverybody",
        ),
        "busy",
        *("New message from Zoë", "Zoë: Hello,\neverybody", "message", ("room", "9")),
        references=("room 9", "message m-1"),
    ),
    RuleCase(
        "message_posted",
        MessagePosted(
            message_id="m-1",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello",
            grouped=True,
        ),
        "busy",
        *("New message from Zoë", "Zoë: Hello", "message", ("room", "9")),
        references=("room 9", "message m-1"),
        group="room:9",
    ),
    RuleCase(
        "incident_created",
        IncidentCreated(
            incident_id="3",
            number="INC-2024-001",
            title="Database is down",
            severity="High",
            responders=("rosa", "busy"),
        ),
        "busy rosa",
        *("New Incident Created", "Incident INC-2024-001 has been created", "incident", INCIDENT),
        *("error", "high"),
        url="/incidents/3",
    ),
    RuleCase(
        "incident_created",
        IncidentCreated(
            incident_id="3", number=42, title="Database is down", entity_url="https://i.example/3"
        ),
        "assignee busy manager member volunteer watcher",
        *("New Incident Created", "Incident 42 has been created", "incident", INCIDENT, "error"),
        url="https://i.example/3",
    ),
    RuleCase(
        "incident_assigned",
        IncidentAssigned(incident_id="3", number=4200, user_id="rosa", severity="critical"),
        "rosa",
        *("Incident Assigned", "Incident 4200 has been assigned", "incident", INCIDENT, "warning"),
        "critical",
        url="/incidents/3",
    ),
    RuleCase(
        "incident_status_changed",
        IncidentStatusChanged(
            incident_id="3", number="INC-42", new_status="investigating", severity="low"
        ),
        "busy responder",
        *("Incident Updated", "Incident INC-42 has been updated", "incident", INCIDENT),
        url="/incidents/3",
    ),
    RuleCase(
        "incident_escalated",
        IncidentEscalated(incident_id="3", number="INC-42", severity="critical"),
        "busy responder",
        *("Incident Escalated", "Incident INC-42 has been escalated", "incident", INCIDENT),
        *("warning", "critical"),
        url="/incidents/3",
    ),
    RuleCase(
        "incident_resolved",
        IncidentResolved(incident_id="3", number="INC-42"),
        "busy responder",
        *("Incident Resolved", "Incident INC-42 has been resolved", "incident", INCIDENT),
        "success",
        url="/incidents/3",
    ),
    RuleCase(
        "incident_closed",
        IncidentClosed(incident_id="3", number="INC-42"),
        "busy responder",
        *("Incident Closed", "Incident INC-42 has been closed", "incident", INCIDENT, "success"),
        url="/incidents/3",
    ),
    RuleCase(
        "incident_unattended",
        NotificationUnattended(
            notification_id=NOTIFICATION_ID,
            user_id="responder",
            step=8,
            notification_type="incident.created",
            category="incident",
            entity=Entity(type="incident", id="3", url="/incidents/3"),
        ),
        "manager",
        *("Incident Unattended", "responder has not read of the incident", "incident", INCIDENT),
        *("error", "high"),
        type="notification.unattended",
        url="/incidents/3",
    ),
    RuleCase(
        "task_deleted",
        TaskDeleted(**WATER),
        "assignee busy manager volunteer watcher",
        *("Task Deleted", "somebody deleted Water the seedlings", "task", TASK, "warning"),
        references=OF_TASK,
        include_actor=True,
    ),
    RuleCase(
        "work_order_deleted",
        WorkOrderDeleted(work_order_id="7"),
        "busy office technician",
        *(
            "Work order deleted",
            "somebody deleted work order 7",
            "status_update",
            WORK_ORDER,
            "warning",
        ),
        references=("work_order 7",),
        include_actor=True,
    ),
    RuleCase(
        "read_receipt",
        NotificationRead(
            notification_id=NOTIFICATION_ID,
            user_id="u-7",
            title="Hello",
            entity=Entity(type="task", id="456"),
            sender="office",
        ),
        "office",
        *("Read", "u-7 has read: Hello", "receipt", TASK),
    ),
    make_announcement_case(
        Addressees(users=("volunteer", "office", "volunteer")), "office volunteer"
    ),
    RuleCase(
        "address_given",
        AddressGiven(
            user_id="volunteer", address_id="a-1", channel="email", address="v@example.org"
        ),
        "volunteer",
        "Confirm your address",
        "A message was sent to v@example.org. Open the link in it to be reached there.",
        *("address", ("address", "a-1")),
        include_actor=True,
    ),
    RuleCase(
        "address_fails",
        ChannelSuppressed(user_id="volunteer", address_id="a-1", reason="bounced"),
        "volunteer",
        "An address cannot be reached",
        "Messages to one of your addresses come back. Confirm the address, or give another one.",
        *("address", ("address", "a-1")),
        level="warning",
        include_actor=True,
    ),
    RuleCase(
        "confirmation_wanted",
        NotificationActed(
            notification_id=NOTIFICATION_ID,
            user_id="volunteer",
            action="confirm",
            notification_type="channel.suppressed",
            entity=Entity(type="address", id="a-1"),
        ),
        "volunteer",
        "Confirm your address",
        "A message was sent to your address. Open the link in it to be reached there again.",
        *("address", ("address", "a-1")),
        include_actor=True,
        type="address.given",
    ),
    RuleCase(
        "notification_requested",
        NotificationRequested(
            to=Addressees(users=("volunteer",), relation="tenant#office"),
            title="Pump 3",
            message="Pressure is falling",
            notification_type="equipment_alert",
            level="warning",
            category="equipment",
            priority="high",
            entity=RequestedEntity(type="work_order", id="7"),
            references={"work_order": "7"},
            action_url="/orders/7",
        ),
        "busy office volunteer",
        *("Pump 3", "Pressure is falling", "equipment", WORK_ORDER),
        level="warning",
        priority="high",
        references=("work_order 7",),
        include_actor=True,
        url="/orders/7",
    ),
    make_announcement_case(Addressees(relation="project:789#member"), "manager member"),
    make_announcement_case(Addressees(relation="tenant#office"), "busy office"),
    make_announcement_case(
        Addressees(everyone=True), "assignee busy manager member volunteer watcher"
    ),
    make_announcement_case(
        Addressees(users=("member", "guest"), relation="tenant#office"), "busy guest member office"
    ),
)
