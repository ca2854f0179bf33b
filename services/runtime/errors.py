"""Errors, and what to do about each.

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


class TidingsError(Exception):
    """Something Tidings has a name for."""


class Transient(TidingsError):
    """Worth trying again."""


class Permanent(TidingsError):
    """Not worth trying again."""


class Unavailable(Transient):
    """A server is away."""


class Fenced(Transient):
    """Another process has taken this over."""


class InvalidSettings(Permanent):
    """A setting is missing or wrong."""


class LogLost(Permanent):
    """A stream is not the one that was read before: it was recreated or lost its tail."""


class WrongSequence(Permanent):
    """The expected last sequence did not hold."""


class Refused(Permanent):
    """The server refuses what was asked."""
