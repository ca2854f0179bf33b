"""Failures: the problem that answers a request whose handler raised an error."""

from __future__ import annotations

import logging

from tidings.client.errors import StreamFull
from tidings.runtime.errors import TidingsError, Transient
from tidings.runtime.http.problem import Problem

log = logging.getLogger("tidings.web")


def failure_problem(error: Exception) -> Problem:
    """Return the problem for an error that no handler expects, after logging the error."""
    match error:
        case StreamFull():
            # Its operator can help, its sender can only wait.
            log.error("the log has reached its limit in bytes; nothing is dropped: %s", error)
            detail = (
                "the log has reached its limit in bytes and stores nothing more; nothing is"
                " dropped. Try again when its operator has raised TIDINGS_EVENTS_LIMIT_BYTES or"
                " TIDINGS_NOTIFICATIONS_LIMIT_BYTES"
            )
        case Transient():
            log.warning("%s", error)
            detail = "the service cannot do this now; nothing is lost, try again"
        case TidingsError():
            # A valid request that the log refuses: its operator can help, its sender cannot.
            log.error("the log refuses what a request needs: %s", error)
            detail = "the service cannot do this now; its log has the reason"
        case _:
            log.error("a request failed", exc_info=error)
            return Problem(500, "error", "something went wrong here; it has been logged")
    return Problem(503, "unavailable", detail)
