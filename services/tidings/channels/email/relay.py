"""Relay: where mails are handed over, and how; values."""

from __future__ import annotations

import ssl
from typing import Literal, NamedTuple

Tls = Literal["starttls", "implicit", "off"]


class Timeouts(NamedTuple):
    """Seconds to wait for a connection, for the answer to a command, and to the final dot.

    The last is that of RFC 5321 (section 4.5.3.2.6): who waits less long gets mails doubled.
    """

    connect_seconds: float = 30
    command_seconds: float = 60
    dot_seconds: float = 600


class Relay(NamedTuple):
    """Where mails are handed over, and how. A connection takes `mails_limit` mails at most, and is
    closed when it was idle for `idle_seconds`.
    """

    host: str
    port: int
    tls: Tls = "starttls"
    user: str | None = None
    password: str | None = None
    connections: int = 4
    timeouts: Timeouts = Timeouts()
    tls_context: ssl.SSLContext | None = None
    local_name: str | None = None
    mails_limit: int = 100
    idle_seconds: float = 20


class RelayGreeting(NamedTuple):
    """What a relay says of itself; `size_bytes`: how large a mail may be, 0: it does not say."""

    encrypted: bool
    size_bytes: int
