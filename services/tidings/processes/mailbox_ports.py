"""Mailbox ports: where the mailbox listens that a demonstration has instead of a relay."""

from __future__ import annotations

from typing import NamedTuple

from tidings.client.addresses import http_url
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.http.listener import bind_socket

LOOPBACK = "127.0.0.1"
USUAL_PORT = 8025


class MailboxPorts(NamedTuple):
    """The ports of the mailbox that a demonstration has instead of a relay."""

    smtp_port: int
    port: int

    @classmethod
    def choose(cls) -> MailboxPorts:
        """Return free ports, for the page the usual one if it is free."""
        try:
            port = _free_port(USUAL_PORT)
        except InvalidSettings:
            port = _free_port(0)
        return cls(_free_port(0), port)

    @property
    def url(self) -> str:
        """The URL of the mailbox's page."""
        return http_url(LOOPBACK, self.port)

    @property
    def command(self) -> tuple[str, ...]:
        """The command that runs it."""
        return ("mailbox", "--smtp-port", str(self.smtp_port), "--port", str(self.port))


def _free_port(port: int) -> int:
    """Return a port of the loopback interface, a free one for 0; raises InvalidSettings."""
    with bind_socket(LOOPBACK, port, reuse_port=False) as probe:
        probe.listen()
        return probe.getsockname()[1]
