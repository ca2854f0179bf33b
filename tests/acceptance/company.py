"""Company: the members of a room, on more edges than one, as tests of presence and signals need them."""

from __future__ import annotations

from uuid import uuid4

from tests.driver import Tidings, event, hello_to

BELIEVED_SECONDS = 3.0
ROOM = "project:1#member"


def beside(tidings: Tidings, url: str, tenant: str | None = None) -> Tidings:
    """The same tenant, or another one, seen from another edge."""
    return Tidings(url, tidings.runtime, tenant or tidings.tenant)


async def team(tidings: Tidings, *users: str, project: str = "1") -> None:
    """These become members of a project, and the audience knows it."""
    await tidings.emit(
        *(event("team_member.added", project_id=project, user_id=user) for user in users)
    )
    await settled(tidings)


async def settled(tidings: Tidings) -> None:
    """What was emitted before has been routed."""
    witness = uuid4().hex
    await tidings.emit(hello_to(witness))
    await tidings.eventually(witness, total=1)
