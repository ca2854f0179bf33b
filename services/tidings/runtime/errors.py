"""Errors of services, beside those that they share with whoever emits (`tidings.client.errors`).

TidingsError
├── Transient         try again, with a limit
│   ├── Unavailable   a server is away: NATS or Postgres
│   └── Fenced        another process took this over
└── Permanent         trying again will not help
    ├── InvalidSettings
    ├── LogLost       a stream was recreated or lost its tail
    ├── WrongSequence an expected sequence did not hold
    └── Refused       the server refuses what was asked
"""

from __future__ import annotations

from tidings.client.errors import (
    Permanent,
    Refused,
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
    "Refused",
    "TidingsError",
    "Transient",
    "Unavailable",
    "WrongSequence",
]


class Fenced(Transient):
    """Another process has taken this over."""


class InvalidSettings(Permanent):
    """A setting is missing or wrong."""


class LogLost(Permanent):
    """A stream is not the one that was read before: it was recreated or lost its tail."""
