"""Limits of the streams that settings choose, and which of them a process may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from tidings.contracts.streams import DAY_SECONDS, MARKS_PER_NOTIFICATION

LimitPolicy = Literal["keep", "raise", "set"]
"""What a process does about limits that differ from its settings.

`keep`: leave them as they are. `raise`: raise them, and refuse to start rather than lower one.
`set`: raise and lower them.
"""


class GuardedLimit(NamedTuple):
    """A limit that deletes when it is lowered: its setting, and the field's value for 1 of it."""

    setting: str
    unit: int


GUARDED_LIMITS: Mapping[str, GuardedLimit] = {
    "max_msgs_per_subject": GuardedLimit("TIDINGS_NOTIFICATIONS_PER_USER", MARKS_PER_NOTIFICATION),
    "max_age": GuardedLimit("TIDINGS_RETENTION_DAYS", DAY_SECONDS * 1_000_000_000),
    "num_replicas": GuardedLimit("TIDINGS_REPLICAS", 1),
}
"""By field of a stream's configuration; all of them are unlimited below 1."""
SETTING_FIELDS = frozenset((*GUARDED_LIMITS, "max_bytes", "discard", "duplicate_window"))
"""The fields of a stream's configuration that settings choose."""


class LoweredLimit(NamedTuple):
    """A limit in force, of a stream, that the settings would lower; both in the setting's unit."""

    stream: str
    setting: str
    in_force: float
    chosen: float

    def __str__(self) -> str:
        """Return both values, for an operator."""
        in_force = f"{self.in_force:g}" if self.in_force < float("inf") else "unlimited"
        return f"{self.setting} is {self.chosen:g}, but {self.stream} has {in_force}"


def lowered_limits(
    stream: str, installed: Mapping[str, Any], chosen: Mapping[str, Any]
) -> list[LoweredLimit]:
    """Return the limits of an installed configuration that a chosen one would lower."""
    pairs = [
        LoweredLimit(
            stream,
            limit.setting,
            _in_units(installed.get(field, 0), limit.unit),
            _in_units(chosen[field], limit.unit),
        )
        for field, limit in GUARDED_LIMITS.items()
        if field in chosen
    ]
    return [each for each in pairs if each.chosen < each.in_force]


def _in_units(value: int, unit: int) -> float:
    return value / unit if value > 0 else float("inf")
