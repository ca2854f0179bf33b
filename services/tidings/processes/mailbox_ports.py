"""Mailbox ports: where the mailbox listens that `tidings up` runs instead of a relay."""

from __future__ import annotations

from typing import NamedTuple

from tidings.client.addresses import http_url
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.http.listener import bind_socket
from tidings.runtime.settings import Settings

LOOPBACK = "127.0.0.1"
USUAL_PORT = 8025


class MailboxPorts(NamedTuple):
    """The ports of a mailbox, which takes all mails and passes none on."""

    smtp_port: int
    port: int

    @classmethod
    def choose(cls, settings: Settings) -> MailboxPorts | None:
        """Return free ports, for the page the usual one if it is free; None if mails may leave."""
        if settings.smtp_host or not settings.mailbox:
            return None
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
    def settings(self) -> dict[str, str | int]:
        """The settings by which mails come here."""
        return {
            "mailbox_url": self.url,
            "smtp_host": LOOPBACK,
            "smtp_port": self.smtp_port,
            "smtp_tls": "off",
        }

    @property
    def command(self) -> tuple[str, ...]:
        """The command that runs it."""
        return ("mailbox", "--smtp-port", str(self.smtp_port), "--port", str(self.port))


def _free_port(port: int) -> int:
    """Return a port of the loopback interface, a free one for 0; raises InvalidSettings."""
    with bind_socket(LOOPBACK, port, reuse_port=False) as probe:
        probe.listen()
        return probe.getsockname()[1]
