"""Who is told what about tasks."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.events import Recorded, TaskAssigned, TaskCompleted, TaskStatusChanged
from contracts.notifications import Entity
from services.notifier.rule import Rule, Tell, project, references, task


def assigned_to_you(recorded: Recorded[TaskAssigned]) -> Iterator[Tell]:
    """Tell a volunteer about the task they were given."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        actor=recorded.attributes.actor or event.assigned_by,
        says={"task": event.task_title},
        category="task",
        entity=Entity(type="task", id=event.task_id),
        references=references(task=event.task_id, project=event.project_id),
    )


def status_changed(recorded: Recorded[TaskStatusChanged]) -> Iterator[Tell]:
    """Tell those on a task, and the project's manager, where it stands now."""
    event = recorded.event
    yield Tell(
        to=(*task(event.task_id, "assignee", "volunteer"), *project(event.project_id, "manager")),
        says={"task": event.task_title, "status": event.new_status},
        category="task",
        entity=Entity(type="task", id=event.task_id),
        references=references(task=event.task_id, project=event.project_id),
    )


def completed(recorded: Recorded[TaskCompleted]) -> Iterator[Tell]:
    """Tell all stakeholders that a task is done."""
    event = recorded.event
    yield Tell(
        to=(*task(event.task_id, "assignee", "volunteer", "watcher"), *project(event.project_id, "manager")),
        actor=recorded.attributes.actor or event.completed_by,
        says={"task": event.task_title},
        category="task",
        level="success",
        entity=Entity(type="task", id=event.task_id),
        references=references(task=event.task_id, project=event.project_id),
    )


RULES = (
    Rule("task_assigned_to_you", TaskAssigned, assigned_to_you),
    Rule("task_status_changed", TaskStatusChanged, status_changed),
    Rule("task_completed", TaskCompleted, completed),
)
