"""A bucket of tokens: how often somebody may do something, in bursts and in the long run."""

from __future__ import annotations


class Bucket:
    """Holds up to `burst` tokens, and so many more flow in each second; times are seconds of any clock that never goes back."""

    def __init__(self, per_second: float, burst: int, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
