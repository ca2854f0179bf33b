"""Refusals: the close code or the problem document that answers an exception."""

from __future__ import annotations

from tidings.contracts.close_codes import CloseCode, CloseReason
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.gate import TooManyConnections
from tidings.runtime.auth.identity import Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem, rate_problem
from tidings.runtime.http.rate import RateExceeded

REFUSALS = (ConnectionClosed, Unauthorised, RateExceeded, TooManyConnections, Problem, Unavailable)
"""The exceptions that the checks of a connection raise."""
STATUSES = {CloseCode.TOO_MANY: 429, CloseCode.TOKEN_OVER: 401, CloseCode.BAD_FRAME: 400}
"""The status for a close code at the handshake; 503 for every other one."""
TITLES = {
    400: "bad request",
    401: "unauthorised",
    403: "forbidden",
    429: "too many requests",
    503: "unavailable",
}


def problem_of(refusal: Exception) -> Problem:
    """Return the problem that answers a request, or a handshake, for one of `REFUSALS`."""
    match refusal:
        case Problem():
            return refusal
        case Unauthorised():
            return _problem(refusal.status, str(refusal))
        case RateExceeded():
            return rate_problem(refusal)
        case TooManyConnections():
            return _problem(429, str(refusal))
        case ConnectionClosed():
            return _problem(STATUSES.get(refusal.code, 503), str(refusal))
        case _:
            return _problem(503, "the token cannot be checked now; try again")


def close_code_and_reason(refusal: Exception) -> tuple[int, CloseReason]:
    """Return the close code for one of `REFUSALS` and the reason to send with it."""
    message = str(refusal)
    match refusal:
        case ConnectionClosed():
            return refusal.code, CloseReason(message, refusal.retry_after_seconds)
        case Unauthorised():
            return refusal.code, CloseReason(message)
        case RateExceeded():
            return CloseCode.TOO_FAST, CloseReason(message, refusal.status.retry_after_seconds)
        case TooManyConnections():
            return CloseCode.TOO_MANY, CloseReason(message)
        case Problem():
            partition: int | None = refusal.more.get("partition")
            return CloseCode.ELSEWHERE, CloseReason(message, partition=partition)
        case _:
            return CloseCode.UNAVAILABLE, CloseReason(message)


def _problem(status: int, detail: str) -> Problem:
    return Problem(status, TITLES[status], detail)
