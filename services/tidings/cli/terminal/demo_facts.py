"""The demo: a volunteer project whose days pass quickly, told to the gateway as any service would."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from tidings.cli.terminal.emit import Emitter, NotEmitted
from tidings.contracts.codec import encode
from tidings.contracts.subjects import Person
from tidings.runtime.auth import issue
from tidings.runtime.settings import Settings

TENANT = "demo"
PAUSE_SECONDS = (0.5, 3.0)
TOKEN_SECONDS = 30 * 86_400
AGAIN_SECONDS = 5.0

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

Fact = tuple[str, str, str | None, dict[str, Any]]
"""Type, subject, actor and data of an event."""


def where_to_look(settings: Settings) -> str:
    """What a newcomer may try, word by word."""
    where = "" if str(settings.data_dir) == ".tidings" else f" --data-dir {settings.data_dir}"
    first = {
        f"{settings.url}/": "open this in a browser: press what shall happen, see whom it reaches, cut somebody off"
    }
    task = f'task.assigned task_id=1 task_title="Say hello" user_id=amira{where}'
    more = {
        f"uv run tidings emit --tenant demo-volunteers {task}": "on that page, under Volunteer projects, Amira's bell rings",
        f"uv run tidings listen --user amira{where}": "what the Amira of the three projects is told, live",
        f"uv run tidings emit {task}": "tell her something",
        f"uv run tidings events tail{where}": "the facts as they come",
        f"uv run tidings doctor{where}": "how everything is",
        f"{settings.url}/schema": "the HTTP interface",
    }
    by_themselves = (
        f"Beside that, {', '.join(PEOPLE.values())} run three volunteer projects by themselves."
    )
    return f"\n{_tries(first)}\n\n{by_themselves} In another terminal:\n\n{_tries(more)}\n\nCtrl-C ends all of it.\n"


def _tries(tries: Mapping[str, str]) -> str:
    return "\n".join(f"  [bold]{command}[/bold]\n      {words}" for command, words in tries.items())


async def play(settings: Settings, console: Console) -> None:
    """Tell the story for as long as it is listened to."""
    token = issue(
        Person(TENANT, "demo-service"), "emit", settings.secret, time.time(), TOKEN_SECONDS
    )
    async with httpx.AsyncClient(base_url=settings.url or "") as client:
        emitter = Emitter(
            client, token, lambda problem: console.print(problem, style="yellow", markup=False)
        )
        for fact in story(random.Random()):
            try:
                await emitter.emit(_event(fact))
            except NotEmitted as problem:
                console.print(f"the demo waits: {problem}", style="yellow", markup=False)
                await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(
                random.uniform(*PAUSE_SECONDS)
                if fact[0] not in ("user.joined", "role.granted", "team_member.added")
                else 0
            )


def story(dice: random.Random) -> Iterator[Fact]:
    """People join, then work goes on without end."""
    yield from _beginnings()
    while True:
        project, chore, volunteer = (
            dice.choice(list(PROJECTS)),
            dice.choice(CHORES),
            dice.choice(list(PEOPLE)),
        )
        yield from _task(dice, project, chore, volunteer)
        yield from _aside(dice, project, volunteer)


def _beginnings() -> Iterator[Fact]:
    for user, name in PEOPLE.items():
        yield "user.joined", f"user/{user}", None, {"user_id": user, "name": name}
        for project, title in PROJECTS.items():
            role = {"role": "manager"} if user == MANAGER else {}
            yield (
                "team_member.added",
                f"project/{project}",
                MANAGER,
                {"project_id": project, "project_name": title, "user_id": user, **role},
            )


def _task(dice: random.Random, project: str, chore: str, volunteer: str) -> Iterator[Fact]:
    task = f"{project}-{uuid4().hex[:6]}"
    subject, common = f"task/{task}", {"task_id": task, "task_title": chore, "project_id": project}
    yield (
        "task.assigned",
        subject,
        MANAGER,
        {**common, "user_id": volunteer, "assigned_by": MANAGER},
    )
    watcher = dice.choice([user for user in PEOPLE if user != volunteer])
    yield "task.watched", subject, watcher, {"task_id": task, "user_id": watcher}
    yield (
        "task.status_changed",
        subject,
        volunteer,
        {**common, "old_status": "new", "new_status": dice.choice(STATUSES)},
    )
    yield "task.completed", subject, volunteer, {**common, "completed_by": volunteer}
    hours = {
        "timelog_id": uuid4().hex[:8],
        "user_id": volunteer,
        "hours": dice.choice((0.5, 1.0, 2.5, 4.0)),
        "project_id": project,
        "task_id": task,
    }
    yield (
        ("timelog.approved" if dice.random() < 0.8 else "timelog.rejected"),
        f"timelog/{hours['timelog_id']}",
        MANAGER,
        hours,
    )


def _aside(dice: random.Random, project: str, volunteer: str) -> Iterator[Fact]:
    chance = dice.random()
    if chance < 0.2:
        title = f"{dice.choice((50, 100, 200))} hours given"
        data = {
            "project_id": project,
            "project_name": PROJECTS[project],
            "milestone_id": uuid4().hex[:6],
            "milestone_title": title,
        }
        yield "milestone.completed", f"project/{project}", MANAGER, data
    elif chance < 0.3:
        conflict = {
            "conflict_id": uuid4().hex[:6],
            "user_id": volunteer,
            "entity_type": "timelog",
            "entity_id": uuid4().hex[:6],
        }
        yield "sync.conflict_detected", f"sync/{conflict['conflict_id']}", None, conflict
        yield "sync.conflict_resolved", f"sync/{conflict['conflict_id']}", None, conflict
    elif chance < 0.4:
        to = {"everyone": True}
        yield (
            "announcement.published",
            "announcement/tea",
            MANAGER,
            {"title": "Tea at four", "message": "In the garden, bring a cup.", "to": to},
        )


def _event(fact: Fact) -> bytes:
    type_, subject, actor, data = fact
    given = {"actor": actor} if actor else {}
    body = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/demo",
        "type": type_,
        "subject": subject,
        "time": datetime.now(UTC),
        "tenant": TENANT,
    }
    return encode({**body, **given, "data": data})
