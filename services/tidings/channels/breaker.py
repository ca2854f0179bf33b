"""Breakers: pause what fails again and again, such as a host that is down; pure."""

from __future__ import annotations

FAILURES_LIMIT = 5
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 3600.0


class Breaker:
    """Whether one host may be tried, at moments (seconds) of any clock that does not go back.

    After `FAILURES_LIMIT` failures in a row it is paused for 30 s. Each failure after a pause
    doubles the next one, up to an hour; a success ends all that.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._until = float("-inf")

    def pause_seconds(self, now: float) -> float:
        """Return for how long nothing may be tried yet; 0 if it may."""
        return max(0.0, self._until - now)

    @property
    def is_closed(self) -> bool:
        """Return whether nothing has failed since the last success."""
        return self._failures == 0

    def record_success(self) -> None:
        """Note that the host answered: what failed before counts no more.

        A pause that the host itself demanded goes on.
        """
        self._failures, self._pause_seconds = 0, FIRST_PAUSE_SECONDS

    def record_failure(self, now: float) -> None:
        """Note that an attempt failed; those that began before a pause do not lengthen it."""
        if self.pause_seconds(now):
            return
        self._failures += 1
        if self._failures >= FAILURES_LIMIT:
            self._until = now + self._pause_seconds
            self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)

    def demand_pause(self, now: float, seconds: float) -> None:
        """Note that the host itself asked to wait; it is no failure."""
        self._until = max(self._until, now + seconds)
