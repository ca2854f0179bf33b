"""The route that takes an action on a notification.

The action becomes an event, appended once, for a domain service to act on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from tidings.client.appender import Appender
from tidings.contracts.codec import decode_cloud_event, decode_event, decode_notification
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.messages import NewMessage, reserved_event_message
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import EVENTS, Person, Subjects
from tidings.domains.notifications.events import NotificationActed
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.http import openapi
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.log.read import read
from tidings.runtime.process import Runtime

BODY_LIMIT_BYTES = 4096
AnyRequest = Request[Any, Any, Any]


class Actions:
    """Appends the actions that users take on notifications, each as an event, once."""

    def __init__(self, log: LogReader, appender: Appender, runtime: Runtime) -> None:
        self._log = log
        self._appender = appender
        self._jetstream = runtime.jetstream
        self._subjects = runtime.settings.subjects
        self._own_ids = runtime.own_ids

    async def take_action(self, person: Person, identifier: str, action: str) -> None:
        """Take an action on one of a user's notifications.

        Raises Problem if there is no such action or another one was taken before, or Unavailable.
        """
        body = await self._log.read_notification(person, identifier)
        notification = decode_notification(body) if body else None
        if notification is None or action not in {each.name for each in notification.actions}:
            raise Problem(404, "not found", "you have no such notification")
        taken = notification.acted or await self._append_action(notification, action)
        if taken != action:
            raise Problem(409, "pressed before", f"action `{taken}` was taken before", reason=taken)

    async def _append_action(self, notification: Notification, action: str) -> str:
        """Append an action and return the one in the log: this one, or an earlier one.

        Raises Unavailable.
        """
        message = _message(notification, action, self._own_ids, self._subjects)
        appended = await self._appender.append(message)
        if not appended.duplicate:
            return action
        # The id is the same for every action of a notification: the first one to arrive wins.
        page = await read(
            self._jetstream,
            EVENTS,
            message.subject,
            after=appended.sequence - 1,
            limit=1,
            leader_ends=True,
        )
        earlier = decode_event(decode_cloud_event(page[0].data)) if page else None
        if not isinstance(earlier, NotificationActed):
            raise Problem(409, "conflict", "another event has the id of this action")
        return earlier.action


def handler(actions: Actions, guard: Guard) -> Any:
    """Return the route handler of actions."""

    @post(
        "/v1/notifications/{identifier:uuid}/actions/{action:str}",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(openapi.ACTION),
    )
    async def press(request: AnyRequest, identifier: UUID, action: str) -> Response[bytes]:
        """Take an action on one of the caller's notifications.

        Repeating the request has no further effect; 409 if another action was taken before.
        """
        await actions.take_action(identity_of(request).person, str(identifier), action)
        return json_response({"id": str(identifier), "action": action})

    return press


def _message(
    notification: Notification, action: str, own_ids: OwnEventIds, subjects: Subjects
) -> NewMessage:
    event = NotificationActed(
        notification_id=notification.id,
        user_id=notification.user,
        action=action,
        notification_type=notification.type,
        entity=notification.entity,
    )
    return reserved_event_message(
        event,
        notification,
        notification.user,
        id=own_ids.action_event_id(notification.id, notification.user),
        at=datetime.now(UTC),
        subjects=subjects,
    )
