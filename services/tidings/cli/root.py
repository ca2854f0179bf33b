"""The group of all commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click
from tidings.cli.groups import MainGroup

COMMANDS = {
    "up": "up",
    "demo": "demo",
    "mailbox": "mailbox",
    "notifier": "run",
    "projector": "run",
    "channels": "channels",
    "deliveries": "deliveries",
    "preview": "preview",
    "bounces": "bounces",
    "endpoints": "endpoints",
    "edge": "run",
    "gateway": "run",
    "web": "run",
    "outbox": "outbox",
    "emit": "emit",
    "listen": "listen",
    "token": "token",
    "events": "events",
    "receipts": "receipts",
    "rules": "rules",
    "rebuild": "rebuild",
    "limits": "limits",
    "doctor": "doctor",
    "settings": "settings",
    "keys": "keys",
}
"""Each command's module; loaded when called, so that no command waits for others' imports."""


class Commands(MainGroup):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, None without one."""
        module = COMMANDS.get(cmd_name)
        return (
            getattr(import_module(f"tidings.cli.commands.{module}"), cmd_name) if module else None
        )


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Completion: eval "$(_TIDINGS_COMPLETE=bash_source tidings)"; zsh_ and fish_source too.',
)
@click.version_option(package_name="tidings-server", prog_name="tidings")
def root() -> None:
    """Tidings: facts in, each person's durable log out."""
