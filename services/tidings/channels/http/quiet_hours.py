"""The routes of quiet hours and of pauses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Response, delete, put
from tidings.channels.http.requests import (
    BODY_LIMIT_BYTES,
    AnyRequest,
    OwnerParameter,
    SettingsOwner,
    changed_response,
    parse_body,
)
from tidings.channels.http.statements import OperationId, Statements, request_name
from tidings.contracts.event import Event
from tidings.contracts.http_bodies.settings import Pause, QuietHours, SettingsChanged
from tidings.domains.preferences.events import PauseSet, QuietHoursCleared, QuietHoursSet
from tidings.runtime.http.guards import INBOX_SCOPE, Guard
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem

PAUSE_LIMIT = timedelta(days=28)
"""What is held for longer would leave the log before it is sent."""

SET_QUIET = Operation(
    SettingsChanged,
    bodies={JSON: QuietHours},
    scope=INBOX_SCOPE,
    problems=(413, 422, 503),
    example={"windows": [{"days": ["mon", "tue"], "begin": "22:00", "until": "07:00"}]},
)
SET_PAUSE = Operation(
    SettingsChanged,
    bodies={JSON: Pause},
    scope=INBOX_SCOPE,
    problems=(413, 422, 503),
    example={"until": "2026-12-24T08:00:00Z"},
)
CLEAR = Operation(SettingsChanged, scope=INBOX_SCOPE, problems=(503,))


def handlers(statements: Statements, guard: Guard) -> list[Any]:
    """Return the route handlers of quiet hours and pauses."""
    return [*_quiet_handlers(statements, guard), *_pause_handlers(statements, guard)]


def _quiet_handlers(statements: Statements, guard: Guard) -> list[Any]:
    @put(
        "/v1/quiet-hours",
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(SET_QUIET),
    )
    async def set_quiet_hours(
        request: AnyRequest, owner: OwnerParameter = "user", op: OperationId = None
    ) -> Response[bytes]:
        """Replace the quiet hours; what falls into them leaves when they are over."""
        whose = SettingsOwner(request, owner)
        body: QuietHours = await parse_body(request, QuietHours)
        event = QuietHoursSet(
            user_id=whose.user_id,
            zone=body.zone,
            windows=body.windows,
            channels=body.channels,
            by=whose.sender.user,
        )
        return await _state(statements, whose, event, request, op)

    @delete("/v1/quiet-hours", status_code=200, guards=[guard], opt=operation_opt(CLEAR))
    async def clear_quiet_hours(
        request: AnyRequest, owner: OwnerParameter = "user", op: OperationId = None
    ) -> Response[bytes]:
        """End the quiet hours; without own ones, those of the tenant hold."""
        whose = SettingsOwner(request, owner)
        event = QuietHoursCleared(user_id=whose.user_id, by=whose.sender.user)
        return await _state(statements, whose, event, request, op)

    return [set_quiet_hours, clear_quiet_hours]


def _pause_handlers(statements: Statements, guard: Guard) -> list[Any]:
    @put(
        "/v1/pause",
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(SET_PAUSE),
    )
    async def set_pause(request: AnyRequest, op: OperationId = None) -> Response[bytes]:
        """Hold back all that is not critical until a time, at most 28 days from now."""
        whose = SettingsOwner(request, "user")
        body: Pause = await parse_body(request, Pause)
        until = body.until
        if not timedelta(0) < until - datetime.now(UTC) <= PAUSE_LIMIT:
            detail = f"must be a time within the next {PAUSE_LIMIT.days} days"
            raise Problem(422, "not usable", detail, field="until")
        event = PauseSet(user_id=whose.sender.user, until=until, by=whose.sender.user)
        return await _state(statements, whose, event, request, op)

    @delete("/v1/pause", status_code=200, guards=[guard], opt=operation_opt(CLEAR))
    async def end_pause(request: AnyRequest, op: OperationId = None) -> Response[bytes]:
        """End the pause."""
        whose = SettingsOwner(request, "user")
        event = PauseSet(user_id=whose.sender.user, by=whose.sender.user)
        return await _state(statements, whose, event, request, op)

    return [set_pause, end_pause]


async def _state(
    statements: Statements,
    whose: SettingsOwner,
    event: Event,
    request: AnyRequest,
    op: str | None,
) -> Response[bytes]:
    name = request_name(request, op)
    return changed_response(await statements.append(whose.sender, [event], name))
