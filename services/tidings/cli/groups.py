"""Groups of commands: full descriptions, near matches for a wrong name, quiet ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from io import TextIOWrapper
from typing import Any

import click
from tidings.cli.main import INTERRUPTED

PIPE_CLOSED = 141
"""The exit code of what writes to a closed pipe: 128 and the number of the signal."""
DESCRIPTION_LIMIT_CHARACTERS = 300


class CommandGroup(click.Group):
    """A group whose help shows each command's whole first sentence, wrapped."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and descriptions of all commands."""
        commands = [
            (name, command)
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(DESCRIPTION_LIMIT_CHARACTERS))
                    for name, command in commands
                ]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the arguments; an unknown name fails with the nearest names."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx))
            if not near or "Did you mean" in error.message:
                raise
            hint = f"Did you mean {' or '.join(near)}?"
            raise click.UsageError(f"{error.message} {hint}", error.ctx) from None


class MainGroup(CommandGroup):
    """The group of all commands, which ends as other command lines do."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; characters that the terminal cannot show are replaced."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Load and run a command; Ctrl-C exits with 130, a closed pipe ends it without words."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            code = INTERRUPTED
        except (BrokenPipeError, BaseExceptionGroup) as problem:
            if isinstance(problem, BaseExceptionGroup) and problem.split(BrokenPipeError)[1]:
                raise
            code = PIPE_CLOSED
        _discard_output()
        sys.exit(code)


def _discard_output() -> None:
    """Drop what is buffered, or the interpreter would complain about the closed pipe at its end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
