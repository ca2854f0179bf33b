"""`tidings listen`: a person's log in the terminal."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import click
from tidings.cli.commands.shared import DAY_SECONDS, console, with_settings
from tidings.cli.output import run_while_read
from tidings.cli.parameters import ID
from tidings.cli.terminal.listen import Listener, print_frame, save_cursor
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings


@click.command()
@click.option("--user", type=ID, required=True, help="Whose log.")
@click.option("--tenant", type=ID, default="demo", show_default=True)
@click.option("--after", help="A cursor: show what came after it instead of a snapshot.")
@click.option(
    "--cursor-file",
    type=click.Path(path_type=Path),
    help="Keep the cursor here, and go on from it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each frame as a line of JSON.")
@with_settings
def listen(
    settings: Settings,
    user: str,
    tenant: str,
    after: str | None,
    cursor_file: Path | None,
    as_json: bool,
) -> None:
    """Follow a person's log; comes back by itself and shows what was missed."""
    cursor = after or (cursor_file and _read_cursor(cursor_file))
    if cursor:
        try:
            Cursor.parse(cursor)
        except InvalidCursor as problem:
            raise InvalidSettings(f"`{cursor}` is not a cursor: {problem}") from None
    token = settings.client_token or issue_token(
        Person(tenant, user), "inbox", settings.secret, time.time(), 30 * DAY_SECONDS
    )
    listener = Listener(settings.base_url, token, cursor)
    asyncio.run(run_while_read(_listen(listener, cursor_file, as_json)))


async def _listen(listener: Listener, cursor_file: Path | None, as_json: bool) -> None:
    async with aclosing(listener.frames()) as frames:
        async for frame, text in frames:
            if not as_json:
                print_frame(console, frame)
            elif text:
                click.echo(text)
            if cursor_file:
                _save_cursor(cursor_file, listener.cursor)


def _read_cursor(file: Path) -> str | None:
    try:
        return file.read_text().strip() if file.exists() else None
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSettings(
            f"{file} cannot be read: {getattr(problem, 'strerror', None) or 'it is no text'}"
        ) from None


def _save_cursor(file: Path, cursor: str | None) -> None:
    try:
        save_cursor(file, cursor)
    except OSError as problem:
        raise InvalidSettings(f"{file} cannot be written: {problem.strerror}") from None
