"""`tidings mailbox`: the mails of a machine under development, in a browser."""

from __future__ import annotations

import sys

import click
from tidings.cli.commands.shared import error_console, with_settings
from tidings.mailbox.mailbox import LOOPBACK, MAIL_FOLDER, MailboxAddresses, run_mailbox
from tidings.processes.readiness import print_ready
from tidings.runtime.process import run_service
from tidings.runtime.settings import Settings

SMTP_PORT = 1025
PORT = 8025
PORTS = click.IntRange(0, 65_535)


@click.command()
@click.option(
    "--smtp-port",
    type=PORTS,
    default=SMTP_PORT,
    show_default=True,
    help="Where to take mails; 0 for any free port.",
)
@click.option(
    "--port",
    type=PORTS,
    default=PORT,
    show_default=True,
    help="Where to show them; 0 for any free port.",
)
@with_settings
def mailbox(settings: Settings, smtp_port: int, port: int) -> None:
    """Take mails on this machine and show them in a browser; none is passed on."""

    def report(addresses: MailboxAddresses) -> None:
        _say(f"mails that are sent here stay here; read them at {addresses.url}")
        _say("services send here with")
        _say(f"  TIDINGS_SMTP_HOST={LOOPBACK}")
        _say(f"  TIDINGS_SMTP_PORT={addresses.smtp_port}")
        if settings.channel_secret is None:
            _say("  TIDINGS_CHANNEL_SECRET=$(openssl rand -hex 32), the same in all of them")
        print_ready(addresses.url)

    directory = settings.data_dir / MAIL_FOLDER
    sys.exit(run_service(run_mailbox(settings, directory, smtp_port, port, report), settings))


def _say(words: str) -> None:
    error_console.print(words, style="dim", markup=False)
