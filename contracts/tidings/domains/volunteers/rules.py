"""Rules of volunteer projects: all concerned are notified, including the user who acted."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity, Filter
from tidings.contracts.relations import Recipients, RelatedThrough, Relation, UserSet
from tidings.contracts.rules import MESSAGE, Retract, Rule, Tell, without_none
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    ProjectStatusChanged,
    SyncConflictDetected,
    SyncConflictResolved,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
    TeamMemberAdded,
    TimelogApproved,
    TimelogRejected,
)


def task_assigned(recorded: RecordedEvent[TaskAssigned]) -> Iterator[Tell]:
    """Notify a volunteer of the task that was assigned to them."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        actor=recorded.attributes.actor or event.assigned_by,
        values={"task": event.task_title},
        category="task",
        entity=Entity(type="task", id=event.task_id),
        references=without_none(task=event.task_id, project=event.project_id),
        actions=("accept", "decline"),
        include_actor=True,
    )


def task_unassigned(recorded: RecordedEvent[TaskUnassigned]) -> Iterator[Retract]:
    """Retract the assignment of a task from a volunteer who has not read it."""
    event = recorded.event
    yield Retract(
        to=(event.user_id,),
        filter=Filter(type=TaskAssigned.type, entity=f"task:{event.task_id}", unread=True),
    )


def task_status_changed(recorded: RecordedEvent[TaskStatusChanged]) -> Iterator[Tell]:
    """Notify the users of a task, and the project's managers, of its new status."""
    event = recorded.event
    yield Tell(
        to=(
            *task_members(event.task_id, "assignee", "volunteer"),
            managers_of_project(event.task_id, event.project_id),
        ),
        values={"task": event.task_title, "status": event.new_status},
        category="task",
        entity=Entity(type="task", id=event.task_id),
        references=without_none(task=event.task_id, project=event.project_id),
        include_actor=True,
    )


def task_completed(recorded: RecordedEvent[TaskCompleted]) -> Iterator[Tell]:
    """Notify all stakeholders that a task is done."""
    event = recorded.event
    yield Tell(
        to=(
            *task_members(event.task_id, "assignee", "volunteer", "watcher"),
            managers_of_project(event.task_id, event.project_id),
        ),
        actor=recorded.attributes.actor or event.completed_by,
        values={"task": event.task_title},
        category="task",
        level="success",
        entity=Entity(type="task", id=event.task_id),
        references=without_none(task=event.task_id, project=event.project_id),
        include_actor=True,
    )


def task_deleted(recorded: RecordedEvent[TaskDeleted]) -> Iterator[Tell | Retract]:
    """Replace all notifications of a task by one that it was deleted."""
    event = recorded.event
    stakeholders = (
        *task_members(event.task_id, "assignee", "volunteer", "watcher"),
        managers_of_project(event.task_id, event.project_id),
    )
    actor = recorded.attributes.actor or event.deleted_by
    yield Retract(
        to=stakeholders, as_of_previous=True, filter=Filter(entity=f"task:{event.task_id}")
    )
    yield Tell(
        to=stakeholders,
        as_of_previous=True,
        actor=actor,
        values={"task": event.task_title or event.task_id, **({"actor": actor} if actor else {})},
        wording="by" if actor else MESSAGE,
        category="task",
        level="warning",
        entity=Entity(type="task", id=event.task_id),
        references=without_none(task=event.task_id, project=event.project_id),
        include_actor=True,
    )


def project_status_changed(recorded: RecordedEvent[ProjectStatusChanged]) -> Iterator[Tell]:
    """Notify the team of the project's new status."""
    event = recorded.event
    yield Tell(
        to=team_of(event.project_id),
        values={"project": event.project_name, "status": event.new_status},
        category="project",
        entity=Entity(type="project", id=event.project_id),
        references={"project": event.project_id},
        include_actor=True,
    )


def milestone_completed(recorded: RecordedEvent[MilestoneCompleted]) -> Iterator[Tell]:
    """Notify the team that the project reached a milestone."""
    event = recorded.event
    yield Tell(
        to=team_of(event.project_id),
        values={"project": event.project_name, "milestone": event.milestone_title},
        category="project",
        level="success",
        entity=Entity(type="milestone", id=event.milestone_id),
        references={"project": event.project_id},
        include_actor=True,
    )


def team_member_added(recorded: RecordedEvent[TeamMemberAdded]) -> Iterator[Tell]:
    """Notify a user who was added to a team."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"project": event.project_name or event.project_id},
        category="project",
        entity=Entity(type="project", id=event.project_id),
        references={"project": event.project_id},
        include_actor=True,
    )


def timelog_approved(recorded: RecordedEvent[TimelogApproved]) -> Iterator[Tell]:
    """Notify a volunteer that their hours were approved."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"hours": event.hours, "reason": event.reason or ""},
        wording="reasoned" if event.reason else "message",
        category="timelog",
        level="success",
        entity=Entity(type="timelog", id=event.timelog_id),
        references=without_none(project=event.project_id, task=event.task_id),
        include_actor=True,
    )


def timelog_rejected(recorded: RecordedEvent[TimelogRejected]) -> Iterator[Tell]:
    """Notify a volunteer that their hours were rejected, with the reason."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"hours": event.hours, "reason": event.reason or ""},
        wording="reasoned" if event.reason else "message",
        category="timelog",
        level="warning",
        entity=Entity(type="timelog", id=event.timelog_id),
        references=without_none(project=event.project_id, task=event.task_id),
        include_actor=True,
    )


def sync_conflict_detected(recorded: RecordedEvent[SyncConflictDetected]) -> Iterator[Tell]:
    """Notify a user that their offline work conflicts with another version."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"type": event.entity_type, "id": event.entity_id},
        category="sync",
        level="warning",
        entity=Entity(type=event.entity_type, id=event.entity_id),
        include_actor=True,
    )


def sync_conflict_resolved(recorded: RecordedEvent[SyncConflictResolved]) -> Iterator[Tell]:
    """Notify a user that a conflict was resolved."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        values={"type": event.entity_type, "id": event.entity_id},
        category="sync",
        entity=Entity(type=event.entity_type, id=event.entity_id),
        include_actor=True,
    )


def task_members(identifier: str, *names: str) -> Recipients:
    """Return relations to a task."""
    return tuple(Relation(f"task:{identifier}", name) for name in names)


def managers_of_project(task_id: str, project_id: str | None) -> UserSet:
    """Return the managers of the project; without one, of the project linked to the task."""
    return (
        Relation(f"project:{project_id}", "manager")
        if project_id
        else RelatedThrough(f"task:{task_id}", "project", "manager")
    )


def team_of(project_id: str) -> Recipients:
    """Return the relation of all members of a project's team."""
    return (Relation(f"project:{project_id}", "member"),)


RULES: tuple[Rule, ...] = (
    Rule("task_assigned_to_you", TaskAssigned, task_assigned),
    Rule("task_no_longer_yours", TaskUnassigned, task_unassigned, templates=False),
    Rule("task_status_changed", TaskStatusChanged, task_status_changed),
    Rule("task_completed", TaskCompleted, task_completed),
    Rule("task_deleted", TaskDeleted, task_deleted),
    Rule("project_status_changed", ProjectStatusChanged, project_status_changed),
    Rule("milestone_completed", MilestoneCompleted, milestone_completed),
    Rule("added_to_team", TeamMemberAdded, team_member_added),
    Rule("hours_approved", TimelogApproved, timelog_approved),
    Rule("hours_rejected", TimelogRejected, timelog_rejected),
    Rule("sync_conflict_detected", SyncConflictDetected, sync_conflict_detected),
    Rule("sync_conflict_resolved", SyncConflictResolved, sync_conflict_resolved),
)
