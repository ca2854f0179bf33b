"""Members of a project, seen from several edges, for tests of presence and signals."""

from __future__ import annotations

from uuid import uuid4

from tests.builders import make_announcement, make_event
from tests.driver import Tidings

PRESENCE_SECONDS = 3.0
ROOM = "project:1#member"


def make_driver_at(tidings: Tidings, url: str, tenant: str | None = None) -> Tidings:
    """Return a driver of the same tenant, or of another one, at another edge."""
    return Tidings(url, tidings.runtime, tenant or tidings.tenant)


async def add_team(tidings: Tidings, *users: str, project: str = "1") -> None:
    """Add users to a project, and wait until that is routed."""
    await tidings.emit(
        *(make_event("team_member.added", project_id=project, user_id=user) for user in users)
    )
    await wait_until_routed(tidings)


async def wait_until_routed(tidings: Tidings) -> None:
    """Wait until everything that was emitted before has been routed."""
    witness = uuid4().hex
    await tidings.emit(make_announcement(witness))
    await tidings.wait_for_counts(witness, total=1)
