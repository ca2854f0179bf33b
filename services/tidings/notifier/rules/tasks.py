"""Who is told what about tasks."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    Recorded,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
)
from tidings.contracts.notifications import Entity, Filter
from tidings.notifier.rule import Retract, Rule, Tell, project, references, task
from tidings.notifier.texts import MESSAGE


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
        actions=("accept", "decline"),
    )


def unassigned(recorded: Recorded[TaskUnassigned]) -> Iterator[Retract]:
    """Take back from a volunteer, unless they have read it, that they were given a task."""
    event = recorded.event
    yield Retract(
        to=(event.user_id,),
        filter=Filter(type=TaskAssigned.type, entity=f"task:{event.task_id}", unread=True),
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
        to=(
            *task(event.task_id, "assignee", "volunteer", "watcher"),
            *project(event.project_id, "manager"),
        ),
        actor=recorded.attributes.actor or event.completed_by,
        says={"task": event.task_title},
        category="task",
        level="success",
        entity=Entity(type="task", id=event.task_id),
        references=references(task=event.task_id, project=event.project_id),
    )


def deleted(recorded: Recorded[TaskDeleted]) -> Iterator[Tell | Retract]:
    """Instead of all that stakeholders were told of a task, tell them that it is no more."""
    event = recorded.event
    stakeholders = (
        *task(event.task_id, "assignee", "volunteer", "watcher"),
        *project(event.project_id, "manager"),
    )
    actor = recorded.attributes.actor or event.deleted_by
    yield Retract(to=stakeholders, before=True, filter=Filter(entity=f"task:{event.task_id}"))
    yield Tell(
        to=stakeholders,
        before=True,
        actor=actor,
        says={"task": event.task_title or event.task_id, **({"actor": actor} if actor else {})},
        wording="by" if actor else MESSAGE,
        category="task",
        level="warning",
        entity=Entity(type="task", id=event.task_id),
        references=references(task=event.task_id, project=event.project_id),
    )


RULES = (
    Rule("task_assigned_to_you", TaskAssigned, assigned_to_you),
    Rule("task_no_longer_yours", TaskUnassigned, unassigned, wordless=True),
    Rule("task_status_changed", TaskStatusChanged, status_changed),
    Rule("task_completed", TaskCompleted, completed),
    Rule("task_deleted", TaskDeleted, deleted),
)
