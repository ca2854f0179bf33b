"""A volunteer project whose days pass quickly, emitted through the client like any service."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

from tidings.client.errors import TidingsError
from tidings.client.tidings import Tidings
from tidings.contracts.event import Event
from tidings.contracts.subjects import Person
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined
from tidings.domains.preferences.events import PreferenceSet
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    SyncConflictDetected,
    SyncConflictResolved,
    TaskAssigned,
    TaskCompleted,
    TaskStatusChanged,
    TaskWatched,
    TeamMemberAdded,
    TimelogApproved,
    TimelogRejected,
)
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.settings import Settings

TENANT = "demo"
SOURCE = "/demo"
PAUSE_SECONDS = (0.5, 3.0)
TOKEN_SECONDS = 30 * 86_400
RETRY_SECONDS = 5.0

PEOPLE = {"amira": "Amira", "bram": "Bram", "chen": "Chen", "dina": "Dina", "emeka": "Emeka"}
MANAGER = "dina"
PROJECTS = {"garden": "Community garden", "library": "Street library", "kitchen": "Soup kitchen"}
CHORES = (
    "Water the seedlings",
    "Paint the fence",
    "Sort the donated books",
    "Plan the menu",
    "Call the suppliers",
    "Fix the bench",
    "Print the flyers",
)
STATUSES = ("in progress", "waiting for material", "in review")

SETUP_EVENTS = (UserJoined, TeamMemberAdded, PreferenceSet)
"""No pause follows these: they come before the work begins."""
MAILED_USER = "amira"
UNREAD_SECONDS = 10
MAIL_PREFERENCES = (
    PreferenceSet(of="all", channel="email", how="never"),
    PreferenceSet(
        of="type:announcement.published",
        channel="email",
        how="unread",
        after_seconds=UNREAD_SECONDS,
    ),
    PreferenceSet(
        user_id=MAILED_USER,
        of="type:task.assigned",
        channel="email",
        how="unread",
        after_seconds=UNREAD_SECONDS,
    ),
)
"""Announcements are mailed to everyone, tasks to one user: a mail a minute, not one a second."""


class ProjectEvent(NamedTuple):
    """An event with its subject and actor."""

    event: Event
    subject: str
    actor: str | None = None


async def play_volunteer_project(settings: Settings, report: Callable[[str], None]) -> None:
    """Emit the project's events without end; calls `report` with what delays one."""
    token = issue_token(
        Person(TENANT, "demo-service"),
        EVERY_EMIT_SCOPE,
        settings.secret,
        time.time(),
        TOKEN_SECONDS,
    )
    has_mailbox = settings.mailbox_url is not None
    async with Tidings(settings.base_url, token, source=SOURCE, tenant=TENANT) as tidings:
        for event, subject, actor in project_events(random.Random(), with_mails=has_mailbox):
            try:
                await tidings.emit(event, subject=subject, actor=actor, time=datetime.now(UTC))
            except TidingsError as problem:
                report(f"the demo waits: {problem}")
                await asyncio.sleep(RETRY_SECONDS)
            pause = 0 if isinstance(event, SETUP_EVENTS) else random.uniform(*PAUSE_SECONDS)
            await asyncio.sleep(pause)


def project_events(dice: random.Random, *, with_mails: bool) -> Iterator[ProjectEvent]:
    """Yield users joining, then work without end; `with_mails`: a mailbox takes their mails."""
    if with_mails:
        for preference in MAIL_PREFERENCES:
            yield ProjectEvent(preference, f"tenant/{TENANT}")
    yield from _team_events(with_mails)
    yield _announcement("Welcome", "Three projects begin today. Good that you are here.")
    while True:
        project = dice.choice(list(PROJECTS))
        chore, volunteer = dice.choice(CHORES), dice.choice(list(PEOPLE))
        yield from _task_events(dice, project, chore, volunteer)
        yield from _other_events(dice, project, volunteer)


def _team_events(with_mails: bool) -> Iterator[ProjectEvent]:
    for user, name in PEOPLE.items():
        email = f"{user}@{TENANT}.example" if with_mails else None
        yield ProjectEvent(UserJoined(user_id=user, name=name, email=email), f"user/{user}")
        for project, title in PROJECTS.items():
            added = TeamMemberAdded(
                project_id=project,
                project_name=title,
                user_id=user,
                role="manager" if user == MANAGER else None,
            )
            yield ProjectEvent(added, f"project/{project}", MANAGER)


def _task_events(
    dice: random.Random, project: str, chore: str, volunteer: str
) -> Iterator[ProjectEvent]:
    task_id = f"{project}-{uuid4().hex[:6]}"
    subject = f"task/{task_id}"
    task: dict[str, Any] = {"task_id": task_id, "task_title": chore, "project_id": project}
    assigned = TaskAssigned(**task, user_id=volunteer, assigned_by=MANAGER)
    yield ProjectEvent(assigned, subject, MANAGER)
    watcher = dice.choice([user for user in PEOPLE if user != volunteer])
    yield ProjectEvent(TaskWatched(task_id=task_id, user_id=watcher), subject, watcher)
    changed = TaskStatusChanged(**task, old_status="new", new_status=dice.choice(STATUSES))
    yield ProjectEvent(changed, subject, volunteer)
    yield ProjectEvent(TaskCompleted(**task, completed_by=volunteer), subject, volunteer)
    decision = TimelogApproved if dice.random() < 0.8 else TimelogRejected
    timelog = decision(
        timelog_id=uuid4().hex[:8],
        user_id=volunteer,
        hours=dice.choice((0.5, 1.0, 2.5, 4.0)),
        project_id=project,
        task_id=task_id,
    )
    yield ProjectEvent(timelog, f"timelog/{timelog.timelog_id}", MANAGER)


def _other_events(dice: random.Random, project: str, volunteer: str) -> Iterator[ProjectEvent]:
    chance = dice.random()
    if chance < 0.2:
        milestone = MilestoneCompleted(
            project_id=project,
            project_name=PROJECTS[project],
            milestone_id=uuid4().hex[:6],
            milestone_title=f"{dice.choice((50, 100, 200))} hours given",
        )
        yield ProjectEvent(milestone, f"project/{project}", MANAGER)
    elif chance < 0.3:
        conflict_id, entity_id = uuid4().hex[:6], uuid4().hex[:6]
        for kind in (SyncConflictDetected, SyncConflictResolved):
            conflict = kind(
                conflict_id=conflict_id,
                user_id=volunteer,
                entity_type="timelog",
                entity_id=entity_id,
            )
            yield ProjectEvent(conflict, f"sync/{conflict_id}")
    elif chance < 0.4:
        yield _announcement("Tea at four", "In the garden, bring a cup.")


def _announcement(title: str, message: str) -> ProjectEvent:
    to_all = AnnouncementPublished(title=title, message=message, to=Addressees(everyone=True))
    return ProjectEvent(to_all, "announcement/team", MANAGER)
