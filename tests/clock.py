"""A clock that a test moves, for code that takes its clock as a parameter."""

from __future__ import annotations


class Clock:
    """Callable like `time.time`; it stands still until a test moves it."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.seconds += seconds
