"""Outcomes: what the log states of an attempt, by what the other side answered; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from tidings.channels.decider.delivery import Delivery
from tidings.channels.results import Deferred, Doubtful, Failed, LanePaused, SendResult, Sent
from tidings.channels.retry import demanded_attempt, is_stale_push, next_attempt
from tidings.contracts.deliveries import Outcome
from tidings.contracts.notifications import Notification

PAUSE = timedelta(minutes=1)
"""How long a lane that an operator must mend waits between attempts."""


class Attempt(NamedTuple):
    """An attempt to send a delivery, of which `notification` is the newest, decided `at`.

    `resends`: it is repeated if nobody knows whether it arrived.
    """

    delivery: Delivery
    notification: Notification
    at: datetime
    resends: bool = True

    def outcome(self, result: SendResult, milliseconds: int) -> Outcome:
        """Return the entry that states its result."""
        state, until, attempt = "sent", None, self.delivery.attempt
        match result:
            case Sent():
                pass
            case Doubtful():
                until, state = self._next() if self.resends else None, "doubtful"
            case Deferred(after_seconds=None):
                until = self._next()
                state = "deferred" if until else "failed"
            case Deferred():
                until = demanded_attempt(
                    self.delivery.id,
                    self.delivery.attempt,
                    after_seconds=result.after_seconds or 0.0,
                    now=self.at,
                )
                state, attempt = "deferred", attempt - 1
            case LanePaused():
                until, state, attempt = self.at + PAUSE, "deferred", attempt - 1
            case Failed():
                state = "failed"
        if until and self._is_stale(until):
            state, until = "failed", None
        return Outcome(
            delivery=self.delivery.id,
            attempt=attempt,
            state=state,
            code=result.code,
            reply=result.reply or None,
            until=until,
            milliseconds=milliseconds,
        )

    def _is_stale(self, until: datetime) -> bool:
        first = self.delivery.first_ordered or self.at
        expires = self.notification.expires
        return is_stale_push(self.delivery.channel, until, first=first, expires=expires)

    def _next(self) -> datetime | None:
        return next_attempt(
            self.delivery.channel,
            self.delivery.id,
            self.delivery.attempt,
            first=self.delivery.first_ordered or self.at,
            now=self.at,
            expires=self.notification.expires,
        )
