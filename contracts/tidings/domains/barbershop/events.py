"""Events of a barbershop: appointments, performance, locations, training and achievements."""

from __future__ import annotations

from typing import Any, ClassVar

from tidings.contracts.event import Event
from tidings.contracts.ids import Id


class Appointment(Event, frozen=True, kw_only=True):
    """The fields of every appointment event; `message` replaces the text of the rule.

    `time` is shown in the reader's locale and time zone if it is ISO 8601, else as it is.
    """

    appointment_id: Id
    user_id: Id
    client_name: str
    service: str
    time: str
    message: str | None = None


class AppointmentBooked(Appointment, frozen=True, kw_only=True):
    """A client booked an appointment."""

    type: ClassVar[str] = "appointment.booked"


class AppointmentCancelled(Appointment, frozen=True, kw_only=True):
    """An appointment was cancelled."""

    type: ClassVar[str] = "appointment.cancelled"


class AppointmentReminder(Appointment, frozen=True, kw_only=True):
    """An appointment is about to begin."""

    type: ClassVar[str] = "appointment.reminder"


class AppointmentNoShow(Appointment, frozen=True, kw_only=True):
    """A client did not come."""

    type: ClassVar[str] = "appointment.no_show"


class Performance(Event, frozen=True, kw_only=True):
    """The fields of every performance event."""

    user_id: Id
    metric_type: str
    current_value: float
    threshold: float | None = None
    trend: str | None = None


class PerformanceThresholdExceeded(Performance, frozen=True, kw_only=True):
    """A metric crossed its threshold, in either direction."""

    type: ClassVar[str] = "performance.threshold_exceeded"


class PerformanceGoalAchieved(Performance, frozen=True, kw_only=True):
    """A goal was reached."""

    type: ClassVar[str] = "performance.goal_achieved"


class PerformanceTrendChanged(Performance, frozen=True, kw_only=True):
    """The trend of a metric changed."""

    type: ClassVar[str] = "performance.trend_changed"


class LocationStaffJoined(Event, frozen=True, kw_only=True):
    """A user began to work at a location."""

    type: ClassVar[str] = "location.staff_joined"
    location_id: Id
    user_id: Id


class LocationStaffLeft(Event, frozen=True, kw_only=True):
    """A user no longer works at a location."""

    type: ClassVar[str] = "location.staff_left"
    location_id: Id
    user_id: Id


class TeamUpdate(Event, frozen=True, kw_only=True):
    """The fields of every message to the staff of a location."""

    location_id: Id
    message: str
    update_type: str | None = None
    details: Any = None


class TeamAnnouncement(TeamUpdate, frozen=True, kw_only=True):
    """An announcement was made to a location's staff."""

    type: ClassVar[str] = "team.announcement"


class TeamScheduleChanged(TeamUpdate, frozen=True, kw_only=True):
    """A location's schedule changed."""

    type: ClassVar[str] = "team.schedule_changed"


class TeamPolicyUpdated(TeamUpdate, frozen=True, kw_only=True):
    """A location has a new policy."""

    type: ClassVar[str] = "team.policy_updated"


class Training(Event, frozen=True, kw_only=True):
    """The fields of every event of a course, module or certification.

    `expires_at` is the end of the certification, as free text: it does not end the notification.
    """

    user_id: Id
    title: str
    course_id: Id | None = None
    module_name: str | None = None
    expires_at: str | None = None  # pyright: ignore[reportIncompatibleVariableOverride]

    def notifications_expire_at(self) -> None:
        """Return None: the certification's end is not that of the notification."""


class TrainingCourseCompleted(Training, frozen=True, kw_only=True):
    """A user completed a course."""

    type: ClassVar[str] = "training.course_completed"


class TrainingModuleAvailable(Training, frozen=True, kw_only=True):
    """A new module is available for a user."""

    type: ClassVar[str] = "training.module_available"


class TrainingCertificationExpiring(Training, frozen=True, kw_only=True):
    """A user's certification expires soon."""

    type: ClassVar[str] = "training.certification_expiring"


class Achievement(Event, frozen=True, kw_only=True):
    """The fields of every achievement event; of `value` and `amount`, the text shows the first."""

    user_id: Id
    title: str
    value: float | None = None
    amount: float | None = None
    period: str | None = None


class AchievementRevenueMilestone(Achievement, frozen=True, kw_only=True):
    """A user's revenue reached a milestone."""

    type: ClassVar[str] = "achievement.revenue_milestone"


class AchievementPerformance(Achievement, frozen=True, kw_only=True):
    """A user performed exceptionally well."""

    type: ClassVar[str] = "achievement.performance"


EVENTS: tuple[type[Event], ...] = (
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
)
