"""What commands share: two consoles, the settings, and how they end when something is wrong."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from tidings.runtime.errors import SettingMissing, TidingsError
from tidings.runtime.quoting import shell_words
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import DEFAULT_DATA_DIR, load_settings

DAY_SECONDS = 86_400


class PipeConsole(Console):
    """A console that raises BrokenPipeError where rich would exit in the middle of a task."""

    def on_broken_pipe(self) -> None:
        """End the command, as writing to the closed pipe would have."""
        self.quiet = True
        raise BrokenPipeError


console = PipeConsole(highlight=False, soft_wrap=True)
error_console = Console(stderr=True, highlight=False, soft_wrap=True)


data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Where a running `tidings up` keeps its data (TIDINGS_DATA_DIR, .tidings).",
)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the settings, and end it with one clear line when something is wrong."""

    @data_dir_option
    @functools.wraps(command)
    def wrapped(data_dir: Path | None, **given: Any) -> None:
        try:
            settings = load_settings(data_dir=data_dir)
            try:
                command(settings, **given)
            except SettingMissing as missing:
                exit_with_error(_missing_words(settings, missing.name))
        except TidingsError as problem:
            exit_with_error(problem)

    return wrapped


def _missing_words(settings: Settings, name: str) -> str:
    """Return what a command needs, in the words of its user."""
    if settings.client_url and name == "TIDINGS_JWT_SECRET":
        return (
            f"no token for {settings.client_url}: set TIDINGS_CLIENT_TOKEN to one,"
            f" or {name} to sign one here"
        )
    up = "tidings up"
    if settings.data_dir != Path(DEFAULT_DATA_DIR):
        up = shell_words("tidings", "up", "--data-dir", settings.data_dir)
    return (
        f"nothing runs here: no `tidings up` holds {settings.data_dir.absolute()};"
        f" start `{up}`, or set {name} and what else you connect to"
    )


def exit_with_error(problem: object) -> NoReturn:
    """End a command with one clear line; whatever that quotes is text, never markup."""
    error_console.print("[red]error:[/red]", escape(str(problem)), soft_wrap=True)
    sys.exit(1)


class RetryHandler(logging.Handler):
    """Prints what the client logs while it tries again."""

    def emit(self, record: logging.LogRecord) -> None:
        error_console.print(record.getMessage(), style="dim", markup=False, soft_wrap=True)


@contextmanager
def print_retries() -> Generator[None]:
    """Print why and when the client tries again, while the block lasts."""
    log, handler = logging.getLogger("tidings.client"), RetryHandler()
    level, propagates = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates
