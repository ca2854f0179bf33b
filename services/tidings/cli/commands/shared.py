"""What commands share: two consoles, the settings, and how they end when something is wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from tidings.runtime.errors import TidingsError
from tidings.runtime.settings import Settings, settings

DAY_SECONDS = 86_400

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def reads_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the settings, and end it with one clear line when something is wrong."""

    @click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="Where a running `tidings up` keeps its data (TIDINGS_DATA_DIR, .tidings).",
    )
    @functools.wraps(command)
    def wrapped(data_dir: Path | None, **given: Any) -> None:
        try:
            command(settings(data_dir=data_dir), **given)
        except TidingsError as problem:
            fail(problem)
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapped


def fail(problem: object) -> NoReturn:
    """End a command with one clear line; whatever that quotes is text, never markup."""
    errors.print("[red]error:[/red]", escape(str(problem)), soft_wrap=True)
    sys.exit(1)


def address(chosen: Settings) -> str:
    """Where edge and gateway answer."""
    return chosen.url or f"http://{chosen.host}:{chosen.port}"
