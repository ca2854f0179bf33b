"""Kinds of events to measure with: a ready text for one user, a translated one, a team's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tidings.contracts.codec import encode

from tests.benchmarks.system import (
    TENANTS,
    System,
    encode_personal_announcement,
    make_draft,
    person,
)

USERS = 500
TEAM = 8
LOCALES = ("en", "de")
ROUTED_SECONDS = 60.0


class EventKind(NamedTuple):
    """An event that notifies `recipients` of `USERS` users, all in turn.

    `body(number, due)` encodes the event of a number; the notification states `due` (nanoseconds of
    CLOCK_MONOTONIC) in the field `stamp` of its data. `setup` are the events before the first one,
    which notify `setup_notifications` times.
    """

    name: str
    recipients: int
    stamp: str
    body: Callable[[int, int], bytes]
    setup: Sequence[bytes] = ()
    setup_notifications: int = 0


def encode_event(
    type_: str, tenant: str, data: Mapping[str, object], *, subject: str | None = None
) -> bytes:
    """Encode an event with an id of its own."""
    body = {
        "specversion": "1.0",
        "id": f"{type_}-{time.monotonic_ns()}",
        "source": "/bench",
        "type": type_,
        "tenant": tenant,
        "data": data,
    }
    return encode({**body, "subject": subject} if subject else body)


def encode_assignment(number: int, due: int, users: int = USERS) -> bytes:
    """Encode the assignment of a new task to one user, chosen in turn."""
    user = person(number % users)
    data = {
        "task_id": str(due),
        "task_title": "Water the seedlings",
        "user_id": user.user,
        "project_id": f"project-{number % users // TENANTS}",
    }
    return encode_event("task.assigned", user.tenant, data, subject=f"tasks/{due}")


def encode_joined(users: int = USERS) -> list[bytes]:
    """Encode the joining of all users, who read one of `LOCALES` each."""
    return [
        encode_event(
            "user.joined",
            person(number).tenant,
            {
                "user_id": person(number).user,
                "locale": LOCALES[number // TENANTS % len(LOCALES)],
            },
        )
        for number in range(users)
    ]


def _teams() -> list[tuple[str, str, list[str]]]:
    """Return tenant, project and members of each team; a user is in one team."""
    return [
        (
            person(tenant).tenant,
            f"project-{team}",
            [person(tenant + TENANTS * (team * TEAM + member)).user for member in range(TEAM)],
        )
        for tenant in range(TENANTS)
        for team in range(USERS // TENANTS // TEAM)
    ]


def _encode_members() -> Iterator[bytes]:
    for tenant, project, members in _teams():
        for user in members:
            yield encode_event(
                "team_member.added", tenant, {"project_id": project, "user_id": user}
            )


def _encode_project_status(number: int, due: int) -> bytes:
    tenant, project, _ = TEAMS[number % len(TEAMS)]
    data = {"project_id": project, "project_name": "School garden", "new_status": str(due)}
    return encode_event("project.status_changed", tenant, data, subject=f"projects/{project}")


TEAMS = _teams()
ANNOUNCEMENT = EventKind(
    "an announcement",
    1,
    "sent_ns",
    lambda number, due: encode_personal_announcement(number, USERS, sent_ns=due),
)
ASSIGNMENT = EventKind("a task assigned", 1, "task_id", encode_assignment, encode_joined())
TEAM_STATUS = EventKind(
    "a team of 8 told",
    TEAM,
    "new_status",
    _encode_project_status,
    (*encode_joined(), *_encode_members()),
    len(TEAMS) * TEAM,
)
DOMAIN_KINDS = (ASSIGNMENT, TEAM_STATUS)


async def append_events(running: System, bodies: Sequence[bytes], batch: int = 1000) -> None:
    """Append all events in as few batches as possible."""
    for first in range(0, len(bodies), batch):
        await running.runtime.appender().append_batch(
            [make_draft(body) for body in bodies[first : first + batch]]
        )


async def set_up(running: System, kind: EventKind) -> None:
    """Append what must precede the events of a kind, and wait until it is routed.

    A last event to one user of each tenant shows that those before it are.
    """
    last = [encode_personal_announcement(number, TENANTS) for number in range(TENANTS)]
    before = await running.inbox_messages()
    await append_events(running, [*kind.setup, *last])
    await running.wait_until_stored(before + kind.setup_notifications + len(last), ROUTED_SECONDS)
