"""The state of an endpoint after each attempt: what comes next, and when; pure."""

from __future__ import annotations

from datetime import datetime

import msgspec
from tidings.channels.results import Deferred, Doubtful, Failed, LanePaused, SendResult, Sent
from tidings.channels.retry import FAILING_LIMIT, demanded_attempt, next_attempt
from tidings.contracts.endpoint_attempts import EndpointAttempt
from tidings.domains.deliveries.events import SuppressionReason


def after_attempt(
    before: EndpointAttempt,
    endpoint: str,
    sequence: int,
    event: str,
    type_: str,
    result: SendResult,
    at: datetime,
) -> EndpointAttempt:
    """Return the state of an endpoint to which the event after its position was posted."""
    tried = msgspec.structs.replace(
        before,
        at=at,
        event=event,
        type=type_,
        code=result.code,
        attempts=before.attempts + 1,
        until=None,
        failing_since=before.failing_since or at,
    )
    match result:
        case Sent():
            settled = {"state": "sent", "failing_since": None}
        case Failed(suppress=None):
            settled = {"state": "failed", "failing_since": before.failing_since}
        case Failed():
            return suppressed(tried)
        case Deferred(after_seconds=float() | int() as seconds):
            until = demanded_attempt(
                f"{endpoint} {event}", tried.attempts, after_seconds=seconds, now=at
            )
            attempts = before.attempts
            return msgspec.structs.replace(tried, state="deferred", until=until, attempts=attempts)
        case Deferred() | Doubtful() | LanePaused():
            until = next_attempt("webhook", f"{endpoint} {event}", tried.attempts, first=at, now=at)
            if until:
                return msgspec.structs.replace(tried, state="deferred", until=until)
            settled = {"state": "failed"}
    return msgspec.structs.replace(tried, position=sequence, attempts=0, **settled)


def suppression_after(
    state: EndpointAttempt, result: SendResult, at: datetime
) -> SuppressionReason | None:
    """Return why nothing more may be posted after an attempt, None if it may."""
    if isinstance(result, Failed) and result.suppress:
        return result.suppress
    since = state.failing_since
    return "failing" if since is not None and at - since >= FAILING_LIMIT else None


def suppressed(state: EndpointAttempt) -> EndpointAttempt:
    """Return the state of an endpoint that is turned off; if it is restored, it begins afresh."""
    return msgspec.structs.replace(
        state, state="suppressed", attempts=0, until=None, failing_since=None
    )


def replayed(
    state: EndpointAttempt, request: int, first: int | None, at: datetime
) -> EndpointAttempt:
    """Return the state of an endpoint that gets all again from the event `first` on; None: none."""
    position = state.position if first is None else min(state.position, first - 1)
    return msgspec.structs.replace(
        state,
        state="waiting",
        position=position,
        at=at,
        attempts=0,
        until=None,
        failing_since=None,
        replay=request,
    )
