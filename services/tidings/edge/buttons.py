"""Buttons: the request that presses one of a notification's; what was pressed becomes an event, once, for a service to act upon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from tidings.contracts.codec import decode, decode_notification, event_of
from tidings.contracts.draft import Draft, stated
from tidings.contracts.events import NotificationActed
from tidings.contracts.ids import acting_id
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import EVENTS
from tidings.edge import operations
from tidings.edge.edge import Edge
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import says
from tidings.runtime.problem import Problem
from tidings.runtime.read import read
from tidings.runtime.web import json

BODY_LIMIT_BYTES = 4096
AnyRequest = Request[Any, Any, Any]


def handler(edge: Edge, who: Callable[[AnyRequest], Identity]) -> Any:
    """The route handler of buttons."""

    @post(
        "/v1/notifications/{identifier:uuid}/actions/{action:str}",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=says(operations.ACTION),
    )
    async def press(request: AnyRequest, identifier: UUID, action: str) -> Response[bytes]:
        """Press a button of a notification of the person's: once, however often it is sent; 409 if another one was pressed."""
        found = await edge.log.single(who(request).person, str(identifier))
        told = decode_notification(found) if found else None
        if told is None or action not in {each.name for each in told.actions}:
            raise Problem(404, "not found", "you have no such notification")
        pressed = told.acted or await _pressed(edge, told, action)
        if pressed != action:
            raise Problem(409, "conflict", f"`{pressed}` was pressed before", reason=pressed)
        return json({"id": told.id, "action": action})

    return press


async def _pressed(edge: Edge, told: Notification, action: str) -> str:
    """The button that is pressed once this is appended: another one, if that came first. Raises Unavailable."""
    draft = _draft(told, action, edge.settings.partitions)
    appended = await edge.append(draft)
    if not appended.duplicate:
        return action
    (first, *_) = await read(
        edge.runtime.jetstream, EVENTS, draft.subject, after=appended.sequence - 1, limit=1
    )
    before = event_of(decode(first.data))
    return before.action if isinstance(before, NotificationActed) else action


def _draft(told: Notification, action: str, partitions: int) -> Draft:
    fact = NotificationActed(
        notification_id=told.id,
        user_id=told.user,
        action=action,
        notification_type=told.type,
        entity=told.entity,
    )
    return stated(
        fact,
        told,
        told.user,
        id=acting_id(told.id, told.user),
        at=datetime.now(UTC),
        partitions=partitions,
    )
