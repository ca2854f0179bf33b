"""CloudEvents as domain services send them: the input of most tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tidings.domains.announcements.events import Addressees, AnnouncementPublished

TO_EVERYONE = Addressees(everyone=True)


def make_event(
    type_: str,
    *,
    identifier: str | None = None,
    tenant: str | None = None,
    actor: str | None = None,
    **data: Any,
) -> dict[str, Any]:
    """Return a CloudEvent as a domain service sends it."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": identifier or str(uuid4()),
        "source": "/tests",
        "type": type_,
        "data": data,
    }
    return {**body, **({"tenant": tenant} if tenant else {}), **({"actor": actor} if actor else {})}


def make_announcement(*users: str, **more: Any) -> dict[str, Any]:
    """Return an event that announces something to users."""
    return make_event(
        "announcement.published",
        **{"title": "Hello", "message": "there", "to": {"users": list(users)}, **more},
    )


def make_task_assigned(
    task: object, title: str = "Water the seedlings", user: str = "alice", **more: Any
) -> dict[str, Any]:
    """Return an event that assigns a task to a user."""
    return make_event(
        "task.assigned", **{"task_id": str(task), "task_title": title, "user_id": user, **more}
    )


def make_room_joins(*users: str, key: str | None = None) -> list[dict[str, Any]]:
    """Return events by which users join room 9.

    With a key, the event of a user has the same id each time, so that it is stored once.
    """
    return [
        make_event(
            "room.member_joined",
            identifier=f"{key}-{user}" if key else None,
            room_id="9",
            user_id=user,
        )
        for user in users
    ]


def make_message_posted(sender: str, text: str = "-", *, grouped: bool = False) -> dict[str, Any]:
    """Return an event by which a user posts a message in room 9."""
    return make_event(
        "message.posted",
        message_id=uuid4().hex,
        room_id="9",
        sender_id=sender,
        sender_name=sender.title(),
        text=text,
        grouped=grouped,
    )


def make_typed_announcement(
    title: object = "-", to: Addressees = TO_EVERYONE
) -> AnnouncementPublished:
    """Return an announcement as an instance of its event type."""
    return AnnouncementPublished(title=str(title), message="-", to=to)
