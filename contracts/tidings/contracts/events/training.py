"""Training: courses, modules and certifications of somebody's."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class Training(Event, frozen=True, kw_only=True):
    """What every event of a course, module or certification says."""

    user_id: Id
    title: str
    course_id: Id | None = None
    expires_at: str | None = None


class TrainingCourseCompleted(Training, frozen=True, kw_only=True):
    """Somebody completed a course."""

    type: ClassVar[str] = "training.course_completed"


class TrainingModuleAvailable(Training, frozen=True, kw_only=True):
    """There is something new to learn for somebody."""

    type: ClassVar[str] = "training.module_available"


class TrainingCertificationExpiring(Training, frozen=True, kw_only=True):
    """A certification ends soon."""

    type: ClassVar[str] = "training.certification_expiring"
