"""Errors of services, beside those that they share with clients (`tidings.client.errors`).

TidingsError
├── Transient         retry, with a limit
│   ├── Unavailable   a server is away: NATS or Postgres
│   └── Fenced        another process took this over
└── Permanent         a retry will not help
    ├── RowsRefused   Postgres refuses rows because of their values
    ├── InvalidSettings
    ├── LogLost       a stream was recreated or lost its tail
    ├── WrongSequence an expected sequence did not hold
    └── RequestRefused  the server refuses the request
"""

from __future__ import annotations

from tidings.client.errors import (
    Permanent,
    RequestRefused,
    TidingsError,
    Transient,
    Unavailable,
    WrongSequence,
)

__all__ = [
    "Fenced",
    "InvalidSettings",
    "LogLost",
    "Permanent",
    "RequestRefused",
    "RowsRefused",
    "SettingMissing",
    "TidingsError",
    "Transient",
    "Unavailable",
    "WrongSequence",
]


class Fenced(Transient):
    """Another process has taken over this partition or read model."""


class RowsRefused(Permanent):
    """Postgres refuses rows because of their values."""


class InvalidSettings(Permanent):
    """A setting is missing or wrong."""


class SettingMissing(InvalidSettings):
    """A setting that is needed is not set; `name` is its variable."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class LogLost(Permanent):
    """A stream was recreated or lost its tail since it was last read."""
