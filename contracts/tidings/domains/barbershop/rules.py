"""Rules of a barbershop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity, Level
from tidings.contracts.relations import Relation
from tidings.contracts.rules import Rule, Tell, TemplateValues
from tidings.contracts.times import parse_time
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

Appointment = AppointmentBooked | AppointmentCancelled | AppointmentReminder | AppointmentNoShow
Performance = PerformanceThresholdExceeded | PerformanceGoalAchieved | PerformanceTrendChanged


def appointment_upcoming(
    recorded: RecordedEvent[AppointmentBooked | AppointmentReminder],
) -> Iterator[Tell]:
    """Notify the barber of a client who comes."""
    yield _appointment_tell(recorded.event, "info")


def appointment_missed(
    recorded: RecordedEvent[AppointmentCancelled | AppointmentNoShow],
) -> Iterator[Tell]:
    """Warn the barber of a client who does not come."""
    yield _appointment_tell(recorded.event, "warning")


def _appointment_tell(event: Appointment, level: Level) -> Tell:
    """Return the notification of an appointment, with the event's own text if it has one."""
    return Tell(
        to=(event.user_id,),
        values={
            "client": event.client_name,
            "service": event.service,
            "time": parse_time(event.time),
            "message": event.message or "",
        },
        wording="own" if event.message else "message",
        category="appointment",
        level=level,
        entity=Entity(type="appointment", id=event.appointment_id),
    )


def performance_threshold_exceeded(
    recorded: RecordedEvent[PerformanceThresholdExceeded],
) -> Iterator[Tell]:
    """Notify a user of the position of a metric of theirs to its threshold."""
    yield _performance_tell(recorded.event, "info")


def performance_goal_achieved(recorded: RecordedEvent[PerformanceGoalAchieved]) -> Iterator[Tell]:
    """Congratulate a user on a goal."""
    yield _performance_tell(recorded.event, "success")


def performance_trend_changed(recorded: RecordedEvent[PerformanceTrendChanged]) -> Iterator[Tell]:
    """Notify a user that the trend of a metric of theirs changed."""
    yield _performance_tell(recorded.event, "info")


def _performance_tell(event: Performance, level: Level) -> Tell:
    """Return the notification of a metric; the texts have another message without a trend."""
    return Tell(
        to=(event.user_id,),
        values=_performance_values(event),
        wording="message" if event.trend else "plain",
        category="performance",
        level=level,
        entity=Entity(type="metric", id=event.metric_type),
    )


def _performance_values(event: Performance) -> TemplateValues:
    return {
        "metric": event.metric_type,
        "value": event.current_value,
        "threshold": event.threshold or 0,
        "position": position_of(event.current_value, event.threshold),
        "trend": event.trend or "",
    }


def position_of(value: float, threshold: float | None) -> str:
    """Return the position of a value to its threshold: below, above, equal or unknown."""
    if threshold is None:
        return "unknown"
    return "below" if value < threshold else "above" if value > threshold else "equal"


def team_update_posted(
    recorded: RecordedEvent[TeamAnnouncement | TeamScheduleChanged | TeamPolicyUpdated],
) -> Iterator[Tell]:
    """Forward a message to a location's staff, under the title of the rule."""
    event = recorded.event
    yield Tell(
        to=(Relation(f"location:{event.location_id}", "staff"),),
        values={"message": event.message},
        category="team",
        entity=Entity(type="location", id=event.location_id),
    )


def training_course_completed(recorded: RecordedEvent[TrainingCourseCompleted]) -> Iterator[Tell]:
    """Congratulate a user on a completed course."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"title": event.title},
        category="training",
        level="success",
        entity=course_entity(event),
    )


def training_module_available(recorded: RecordedEvent[TrainingModuleAvailable]) -> Iterator[Tell]:
    """Notify a user of a new module."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"title": event.title},
        category="training",
        entity=course_entity(event),
    )


def training_certification_expiring(
    recorded: RecordedEvent[TrainingCertificationExpiring],
) -> Iterator[Tell]:
    """Warn a user that a certification of theirs expires."""
    event = recorded.event
    expires = parse_time(event.expires_at or "")
    yield Tell(
        to=(event.user_id,),
        values={"title": event.title, "expires": expires},
        wording="dated" if isinstance(expires, date) else "stated" if expires else "message",
        category="training",
        level="warning",
        entity=course_entity(event),
    )


def course_entity(
    event: TrainingCourseCompleted | TrainingModuleAvailable | TrainingCertificationExpiring,
) -> Entity | None:
    """Return the course of an event, if it has one."""
    return Entity(type="course", id=event.course_id) if event.course_id else None


def achievement_reached(
    recorded: RecordedEvent[AchievementRevenueMilestone | AchievementPerformance],
) -> Iterator[Tell]:
    """Congratulate a user on an achievement."""
    event = recorded.event
    value = event.amount if event.value is None else event.value
    yield Tell(
        to=(event.user_id,),
        values={"title": event.title, "value": value or 0},
        wording="valued" if value is not None else "message",
        category="achievement",
        level="success",
        extra_data={"celebrate": True},
    )


RULES: tuple[Rule, ...] = (
    Rule("appointment_booked", AppointmentBooked, appointment_upcoming),
    Rule("appointment_cancelled", AppointmentCancelled, appointment_missed),
    Rule("appointment_reminder", AppointmentReminder, appointment_upcoming),
    Rule("appointment_no_show", AppointmentNoShow, appointment_missed),
    Rule(
        "performance_threshold_exceeded",
        PerformanceThresholdExceeded,
        performance_threshold_exceeded,
    ),
    Rule("performance_goal_achieved", PerformanceGoalAchieved, performance_goal_achieved),
    Rule("performance_trend_changed", PerformanceTrendChanged, performance_trend_changed),
    Rule("team_announcement", TeamAnnouncement, team_update_posted),
    Rule("team_schedule_changed", TeamScheduleChanged, team_update_posted),
    Rule("team_policy_updated", TeamPolicyUpdated, team_update_posted),
    Rule("training_course_completed", TrainingCourseCompleted, training_course_completed),
    Rule("training_module_available", TrainingModuleAvailable, training_module_available),
    Rule(
        "training_certification_expiring",
        TrainingCertificationExpiring,
        training_certification_expiring,
    ),
    Rule("achievement_revenue_milestone", AchievementRevenueMilestone, achievement_reached),
    Rule("achievement_performance", AchievementPerformance, achievement_reached),
)
