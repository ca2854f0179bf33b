"""The table of the requirements: what happened, who is told, in which words and how loudly."""

from __future__ import annotations

from typing import NamedTuple

from tidings.contracts import events
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Entity


class Row(NamedTuple):
    """A row of the table: a rule, what happened, who is told, in which words and how loudly."""

    rule: str
    event: Event
    told: str
    title: str
    message: str
    category: str
    entity: tuple[str, str] | None
    level: str = "info"
    priority: str = "normal"
    references: tuple[str, ...] = ()
    actor_too: bool = False
    group: str | None = None
    url: str | None = None


WATER = {"task_id": "456", "task_title": "Water the seedlings", "project_id": "789"}
GARDEN = {"project_id": "789", "project_name": "School garden"}
HOURS = {
    "timelog_id": "t-5",
    "user_id": "volunteer",
    "hours": 2.5,
    "project_id": "789",
    "task_id": "456",
}
CONFLICT = {"conflict_id": "c-1", "user_id": "volunteer", "entity_type": "task", "entity_id": "456"}
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
NOOR = {
    "appointment_id": "a-5",
    "user_id": "barber",
    "client_name": "Noor",
    "service": "Beard trim",
    "time": "half past ten",
}
REVENUE = {"user_id": "barber", "metric_type": "revenue", "current_value": 1250.5}
TOLD = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
OF_TASK = ("task 456", "project 789")


def announcement(to: Addressees, told: str) -> Row:
    event = events.AnnouncementPublished(
        title="Harvest festival", message="Saturday at ten", to=to, priority="high"
    )
    words = ("Harvest festival", "Saturday at ten", "system_announcement", ANNOUNCEMENT)
    return Row("announced", event, told, *words, priority="high", actor_too=True)


TABLE = (
    Row(
        "task_assigned_to_you",
        events.TaskAssigned(**WATER, user_id="volunteer"),
        "volunteer",
        *("Task assigned", "You have been assigned to task: Water the seedlings", "task", TASK),
        references=OF_TASK,
    ),
    Row(
        "task_status_changed",
        events.TaskStatusChanged(**WATER, new_status="in progress", old_status="open"),
        "assignee busy manager volunteer",
        *("Task status changed", "Water the seedlings is now: in progress", "task", TASK),
        references=OF_TASK,
    ),
    Row(
        "task_status_changed",
        events.TaskStatusChanged(
            task_id="456", task_title="Water the seedlings", new_status="done"
        ),
        "assignee busy volunteer",
        *("Task status changed", "Water the seedlings is now: done", "task", TASK),
        references=("task 456",),
    ),
    Row(
        "task_completed",
        events.TaskCompleted(**WATER, completed_by="somebody"),
        "assignee busy manager volunteer watcher",
        *("Task completed", "Water the seedlings is done", "task", TASK, "success"),
        references=OF_TASK,
    ),
    Row(
        "project_status_changed",
        events.ProjectStatusChanged(**GARDEN, new_status="active"),
        "manager member",
        *("Project status changed", "School garden is now: active", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "milestone_completed",
        events.MilestoneCompleted(**GARDEN, milestone_id="m-3", milestone_title="Beds are dug"),
        "manager member",
        *(
            "Milestone completed",
            "School garden has reached a milestone: Beds are dug",
            "project",
            ("milestone", "m-3"),
            "success",
        ),
        references=("project 789",),
    ),
    Row(
        "added_to_team",
        events.TeamMemberAdded(**GARDEN, user_id="newcomer"),
        "newcomer",
        *("Added to a team", "You are now on the team of School garden", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "added_to_team",
        events.TeamMemberAdded(project_id="789", user_id="newcomer", role="manager"),
        "newcomer",
        *("Added to a team", "You are now on the team of 789", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "hours_approved",
        events.TimelogApproved(**HOURS),
        "volunteer",
        *("Hours approved", "Your 2.5 hours were approved", "timelog", TIMELOG, "success"),
        references=OF_TASK,
    ),
    Row(
        "hours_rejected",
        events.TimelogRejected(**{**HOURS, "hours": 12.0}, reason="more than the day had"),
        "volunteer",
        *(
            "Hours rejected",
            "Your 12 hours were rejected: more than the day had",
            "timelog",
            TIMELOG,
            "warning",
        ),
        references=OF_TASK,
    ),
    Row(
        "sync_conflict_detected",
        events.SyncConflictDetected(**CONFLICT),
        "volunteer",
        *(
            "Sync conflict",
            "Your changes to task 456 conflict with another version",
            "sync",
            TASK,
            "warning",
        ),
        actor_too=True,
    ),
    Row(
        "sync_conflict_resolved",
        events.SyncConflictResolved(**CONFLICT),
        "volunteer",
        *("Sync conflict resolved", "The conflict in task 456 is settled", "sync", TASK),
        actor_too=True,
    ),
    Row(
        "work_order_status",
        events.WorkOrderUpdated(work_order_id="7", status="on hold", notes="Gate is locked"),
        "busy office technician",
        *(
            "Work order updated",
            "Work order 7 status updated to: on hold",
            "STATUS_UPDATE",
            WORK_ORDER,
        ),
        references=("work_order 7",),
    ),
    Row(
        "work_order_issue",
        events.WorkOrderUpdated(
            work_order_id="7", status="on hold", issues="Leaking valve", alert_office=True
        ),
        "busy office technician",
        *(
            "Issue reported",
            "Issue reported for work order 7: Leaking valve",
            "ISSUE_DETECTED",
            WORK_ORDER,
            "warning",
            "high",
        ),
        references=("work_order 7",),
    ),
    Row(
        "work_order_office_alert",
        events.WorkOrderUpdated(
            work_order_id="7", status="on hold", issues="Leaking valve", alert_office=True
        ),
        "busy office",
        *(
            "Office alert",
            "Office alert requested for work order 7",
            "OFFICE_ALERT",
            WORK_ORDER,
            "error",
            "critical",
        ),
        references=("work_order 7",),
    ),
    Row(
        "technician_notified",
        events.TechnicianNotified(
            technician_id="technician",
            message="Call back, please",
            work_order_id="7",
            priority="critical",
        ),
        "technician",
        *("Message from the office", "Call back, please", "MANUAL", WORK_ORDER, "info", "critical"),
        references=("work_order 7",),
    ),
    Row(
        "technician_notified",
        events.TechnicianNotified(technician_id="technician", message="Drive safely"),
        "technician",
        *("Message from the office", "Drive safely", "MANUAL", None),
    ),
    Row(
        "equipment_alert",
        events.EquipmentAlert(
            equipment_id="e-1", name="Pump 4", message="Pressure is falling", technician_id="tess"
        ),
        "busy office tess",
        *(
            "Equipment alert: Pump 4",
            "Pressure is falling",
            "EQUIPMENT_ALERT",
            ("equipment", "e-1"),
            "warning",
            "high",
        ),
    ),
    Row(
        "equipment_alert",
        events.EquipmentAlert(
            equipment_id="e-1", name="Pump 4", message="It burns", severity="critical"
        ),
        "busy office",
        *(
            "Equipment alert: Pump 4",
            "It burns",
            "EQUIPMENT_ALERT",
            ("equipment", "e-1"),
            "warning",
            "critical",
        ),
    ),
    Row(
        "inventory_alert",
        events.InventoryAlert(
            item_id="i-9", name="Gasket", quantity=2, threshold=1200, technician_id="technician"
        ),
        "busy office technician",
        *(
            "Low stock: Gasket",
            "Only 2 are left of Gasket (there should be 1,200)",
            "INVENTORY_ALERT",
            ("item", "i-9"),
            "warning",
            "high",
        ),
    ),
    Row(
        "inventory_alert",
        events.InventoryAlert(item_id="i-9", name="Gasket", quantity=0, threshold=10),
        "busy office",
        *(
            "Low stock: Gasket",
            "Nothing is left of Gasket (there should be 10)",
            "INVENTORY_ALERT",
            ("item", "i-9"),
            "warning",
            "high",
        ),
    ),
    Row(
        "appointment_booked",
        events.AppointmentBooked(**NOOR),
        "barber",
        *("New appointment", "New appointment booked with Noor", "appointment", APPOINTMENT),
    ),
    Row(
        "appointment_cancelled",
        events.AppointmentCancelled(**NOOR),
        "barber",
        *(
            "Appointment cancelled",
            "Noor cancelled Beard trim at half past ten",
            "appointment",
            APPOINTMENT,
            "warning",
        ),
    ),
    Row(
        "appointment_reminder",
        events.AppointmentReminder(**NOOR, message="Noor is early today"),
        "barber",
        *("Appointment reminder", "Noor is early today", "appointment", APPOINTMENT),
    ),
    Row(
        "appointment_reminder",
        events.AppointmentReminder(**NOOR),
        "barber",
        *(
            "Appointment reminder",
            "Noor comes for Beard trim at half past ten",
            "appointment",
            APPOINTMENT,
        ),
    ),
    Row(
        "appointment_no_show",
        events.AppointmentNoShow(**NOOR),
        "barber",
        *(
            "Client did not come",
            "Noor did not come for Beard trim at half past ten",
            "appointment",
            APPOINTMENT,
            "warning",
        ),
    ),
    Row(
        "performance_threshold_exceeded",
        events.PerformanceThresholdExceeded(**REVENUE, threshold=1000),
        "barber",
        *(
            "Threshold exceeded",
            "Your revenue is 1,250.5, beyond the threshold of 1,000",
            "performance",
            METRIC,
        ),
    ),
    Row(
        "performance_threshold_exceeded",
        events.PerformanceThresholdExceeded(**REVENUE),
        "barber",
        *(
            "Threshold exceeded",
            "Your revenue is 1,250.5, beyond its threshold",
            "performance",
            METRIC,
        ),
    ),
    Row(
        "performance_goal_achieved",
        events.PerformanceGoalAchieved(**REVENUE),
        "barber",
        *(
            "Goal achieved",
            "You reached your goal: revenue is 1,250.5",
            "performance",
            METRIC,
            "success",
        ),
    ),
    Row(
        "performance_trend_changed",
        events.PerformanceTrendChanged(**REVENUE, trend="rising"),
        "barber",
        *(
            "Trend changed",
            "The trend of your revenue is now: rising (1,250.5)",
            "performance",
            METRIC,
        ),
    ),
    Row(
        "performance_trend_changed",
        events.PerformanceTrendChanged(**REVENUE),
        "barber",
        *(
            "Trend changed",
            "The trend of your revenue changed; it is 1,250.5 now",
            "performance",
            METRIC,
        ),
    ),
    Row(
        "team_announcement",
        events.TeamAnnouncement(location_id="5", message="We open at nine"),
        "barber trainee",
        *("Team announcement", "We open at nine", "team", ("location", "5")),
    ),
    Row(
        "team_schedule_changed",
        events.TeamScheduleChanged(location_id="5", message="Closed on Monday"),
        "barber trainee",
        *("Schedule changed", "Closed on Monday", "team", ("location", "5")),
    ),
    Row(
        "team_policy_updated",
        events.TeamPolicyUpdated(location_id="5", message="Aprons, please"),
        "barber trainee",
        *("Policy updated", "Aprons, please", "team", ("location", "5")),
    ),
    Row(
        "training_course_completed",
        events.TrainingCourseCompleted(user_id="trainee", title="Colour basics", course_id="c-8"),
        "trainee",
        *(
            "Course completed",
            "You have completed Colour basics",
            "training",
            ("course", "c-8"),
            "success",
        ),
    ),
    Row(
        "training_module_available",
        events.TrainingModuleAvailable(user_id="trainee", title="Fades"),
        "trainee",
        *("New training module", "Fades is available", "training", None),
    ),
    Row(
        "training_certification_expiring",
        events.TrainingCertificationExpiring(
            user_id="trainee", title="Hygiene", expires_at="31 March"
        ),
        "trainee",
        *(
            "Certification expires soon",
            "Your certification Hygiene expires on 31 March",
            "training",
            None,
            "warning",
        ),
    ),
    Row(
        "training_certification_expiring",
        events.TrainingCertificationExpiring(user_id="trainee", title="Hygiene"),
        "trainee",
        *(
            "Certification expires soon",
            "Your certification Hygiene expires soon",
            "training",
            None,
            "warning",
        ),
    ),
    Row(
        "achievement_revenue_milestone",
        events.AchievementRevenueMilestone(user_id="barber", title="Ten thousand", value=10_000),
        "barber",
        *(
            "Revenue milestone",
            "You reached a milestone: Ten thousand (10,000)",
            "achievement",
            None,
            "success",
        ),
    ),
    Row(
        "achievement_performance",
        events.AchievementPerformance(user_id="barber", title="Barber of the month"),
        "barber",
        *("Achievement", "Well done: Barber of the month", "achievement", None, "success"),
    ),
    Row(
        "message_posted",
        events.MessagePosted(
            message_id="m-1",
            room_id="9",
            sender_id="zoe",
            sender_name="Zoë",
            text="Hello,\neverybody",
        ),
        "busy",
        *("New message from Zoë", "Zoë: Hello, everybody", "message", ("room", "9")),
        references=("room 9", "message m-1"),
        group="room:9",
    ),
    Row(
        "incident_created",
        events.IncidentCreated(
            incident_id="3", number="INC-42", title="Database is down", responders=("rosa", "busy")
        ),
        "busy rosa",
        *("Incident INC-42", "Database is down", "incident", INCIDENT, "error", "high"),
        url="/incidents/3",
    ),
    Row(
        "incident_created",
        events.IncidentCreated(
            incident_id="3", number=42, title="Database is down", entity_url="https://i.example/3"
        ),
        "assignee busy manager member volunteer watcher",
        *("Incident 42", "Database is down", "incident", INCIDENT, "error", "high"),
        url="https://i.example/3",
    ),
    Row(
        "incident_assigned",
        events.IncidentAssigned(incident_id="3", number=4200, user_id="rosa"),
        "rosa",
        *(
            "Incident 4200 assigned",
            "You have been assigned to incident 4200",
            "incident",
            INCIDENT,
            "warning",
            "high",
        ),
        url="/incidents/3",
    ),
    Row(
        "incident_status_changed",
        events.IncidentStatusChanged(incident_id="3", number="INC-42", new_status="investigating"),
        "busy responder",
        *(
            "Incident INC-42 updated",
            "Incident INC-42 is now: investigating",
            "incident",
            INCIDENT,
            "info",
            "high",
        ),
        url="/incidents/3",
    ),
    Row(
        "incident_resolved",
        events.IncidentResolved(incident_id="3", number="INC-42"),
        "busy responder",
        *(
            "Incident INC-42 resolved",
            "Incident INC-42 is resolved",
            "incident",
            INCIDENT,
            "success",
            "high",
        ),
        url="/incidents/3",
    ),
    Row(
        "task_deleted",
        events.TaskDeleted(**WATER),
        "assignee busy manager volunteer watcher",
        *("Task deleted", "somebody deleted Water the seedlings", "task", TASK, "warning"),
        references=OF_TASK,
    ),
    Row(
        "work_order_deleted",
        events.WorkOrderDeleted(work_order_id="7"),
        "busy office technician",
        *(
            "Work order deleted",
            "somebody deleted work order 7",
            "STATUS_UPDATE",
            WORK_ORDER,
            "warning",
        ),
        references=("work_order 7",),
    ),
    Row(
        "read_receipt",
        events.NotificationRead(
            notification_id=TOLD,
            user_id="u-7",
            title="Hello",
            entity=Entity(type="task", id="456"),
            sender="office",
        ),
        "office",
        *("Read", "u-7 has read: Hello", "receipt", TASK),
    ),
    announcement(Addressees(users=("volunteer", "office", "volunteer")), "office volunteer"),
    announcement(Addressees(relation="project:789#member"), "manager member"),
    announcement(Addressees(relation="tenant#office"), "busy office"),
    announcement(Addressees(everyone=True), "assignee busy manager member volunteer watcher"),
    announcement(
        Addressees(users=("member", "guest"), relation="tenant#office"), "busy guest member office"
    ),
)
