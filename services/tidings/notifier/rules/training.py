"""What somebody is told about their training."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    Recorded,
    TrainingCertificationExpiring,
    TrainingCourseCompleted,
    TrainingModuleAvailable,
)
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Rule, Tell


def course_completed(recorded: Recorded[TrainingCourseCompleted]) -> Iterator[Tell]:
    """Congratulate somebody on a course completed."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"title": event.title},
        category="training",
        level="success",
        entity=course(event),
    )


def module_available(recorded: Recorded[TrainingModuleAvailable]) -> Iterator[Tell]:
    """Tell somebody what there is to learn."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,), says={"title": event.title}, category="training", entity=course(event)
    )


def certification_expiring(recorded: Recorded[TrainingCertificationExpiring]) -> Iterator[Tell]:
    """Warn somebody that a certification of theirs ends."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"title": event.title, "expires": event.expires_at or ""},
        wording="dated" if event.expires_at else "message",
        category="training",
        level="warning",
        entity=course(event),
    )


def course(
    event: TrainingCourseCompleted | TrainingModuleAvailable | TrainingCertificationExpiring,
) -> Entity | None:
    """The course it is about, if it is about one."""
    return Entity(type="course", id=event.course_id) if event.course_id else None


RULES = (
    Rule("training_course_completed", TrainingCourseCompleted, course_completed),
    Rule("training_module_available", TrainingModuleAvailable, module_available),
    Rule("training_certification_expiring", TrainingCertificationExpiring, certification_expiring),
)
