"""Notifications written by hand: the id of their event."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tidings.contracts.ids import OwnEventIds
from tidings.contracts.subjects import Person, Subjects
from tidings.edge.dialects.engine.hand_written import HandWrittenNotifications


async def append_with_key(title: str) -> str:
    """Append a notification with one and the same idempotency key, and return its event's id."""

    async def append(_: Any) -> None:
        return None

    access: Any = SimpleNamespace(charge_tenant=lambda *_, **__: None)
    appender: Any = SimpleNamespace(append=append)
    request: Any = SimpleNamespace(scope={}, headers={"Idempotency-Key": '"same"'})
    hand_written = HandWrittenNotifications(access, appender, Subjects(16), OwnEventIds(b"key"), ())
    data = {"to": {"users": ["amira"]}, "title": title, "message": "there"}
    return (await hand_written.append(request, Person("acme", "ben"), "/here", data)).id


async def test_a_key_that_is_used_again_for_another_notification_gives_another_event() -> None:
    assert await append_with_key("one") == await append_with_key("one")
    assert await append_with_key("one") != await append_with_key("two")
