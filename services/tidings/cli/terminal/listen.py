"""Listen: a client in the terminal that follows a user's log and reconnects by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from tidings.client.addresses import web_socket_url
from tidings.client.proxies import proxy_for, proxy_note
from tidings.contracts.close_codes import CloseCode, decode_reason
from tidings.contracts.frames import (
    Auth,
    Entries,
    Error,
    Heartbeat,
    Hello,
    Live,
    Move,
    Presence,
    RelayedSignal,
    Reset,
    Result,
    ServerFrame,
    Snapshot,
    TokenExpiring,
)
from tidings.contracts.notifications import Entry, Mark, Notification
from tidings.runtime.cancellation import raise_if_cancelled
from tidings.runtime.errors import Permanent
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, WebSocketException

BACKOFF_SECONDS = 0.25
BACKOFF_LIMIT_SECONDS = 10.0
CLOSE_LIMIT_SECONDS = 1.0
"""How long a silent edge may delay the end of the command."""
FRAME_LIMIT_BYTES = 16 * 1024 * 1024
FINAL_CODES = frozenset(code for code in CloseCode if code.needs_token or not code.should_reconnect)
LEVELS = {"info": "cyan", "success": "green", "warning": "yellow", "error": "red"}

_frame: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


class ConnectionRefused(Permanent):
    """The edge refused this client for good."""


class CursorGap(Exception):
    """A frame does not begin where the one before ended."""


class Listener:
    """A cursor, and the frames after it."""

    def __init__(self, url: str, token: str, cursor: str | None) -> None:
        self._url = web_socket_url(url) + "/v1/socket"
        self._token = token
        self.cursor = cursor

    async def frames(self) -> AsyncGenerator[tuple[ServerFrame, str]]:
        """Yield every frame as value and text, across connections; raises ConnectionRefused."""
        failures = 0
        while True:
            raise_if_cancelled()
            try:
                async for frame, text in self._connection():
                    failures = 0
                    yield frame, text
            except (OSError, WebSocketException, CursorGap, TimeoutError) as problem:
                yield (
                    Error(
                        code="disconnected",
                        message=_disconnect_reason(problem, self._url),
                        retry=True,
                    ),
                    "",
                )
            failures += 1
            await asyncio.sleep(
                random.uniform(0, min(BACKOFF_LIMIT_SECONDS, BACKOFF_SECONDS * 2**failures))
            )

    async def _connection(self) -> AsyncIterator[tuple[ServerFrame, str]]:
        async with connect(
            self._url,
            max_size=FRAME_LIMIT_BYTES,
            open_timeout=10,
            close_timeout=CLOSE_LIMIT_SECONDS,
            proxy=proxy_for(self._url),
        ) as socket:
            await socket.send(
                msgspec.json.encode(Auth(token=self._token, cursor=self.cursor)).decode()
            )
            try:
                async for text in socket:
                    frame = _frame.decode(text)
                    self._follow(frame)
                    yield frame, str(text)
            except ConnectionClosedError:
                code = socket.close_code or 0
                if code in FINAL_CODES:
                    raise ConnectionRefused(
                        f"{decode_reason(socket.close_reason or '').message} ({code})"
                    ) from None
                raise

    def _follow(self, frame: ServerFrame) -> None:
        match frame:
            case Entries():
                if frame.after != self.cursor:
                    raise CursorGap(f"a frame after {frame.after} does not follow {self.cursor}")
                self.cursor = frame.cursor
            case Heartbeat() if frame.cursor != self.cursor:
                raise CursorGap(f"the edge is at {frame.cursor}, we are at {self.cursor}")
            case Snapshot() | Reset() | Hello():
                self.cursor = frame.cursor
            case _:
                pass


def print_frame(console: Console, frame: ServerFrame) -> None:  # noqa: C901  one match
    """Print a frame for a human reader."""
    match frame:
        case Hello():
            console.print(f"[dim]connected as {escape_text(frame.user)}, at {frame.cursor}[/dim]")
        case Snapshot():
            for notification in reversed(frame.notifications):
                _print_entry(console, notification)
            _print_counts(console, frame)
            _print_omitted(console, frame)
        case Entries():
            for entry in frame.entries:
                _print_entry(console, entry)
            if frame.entries:
                _print_counts(console, frame)
        case Reset():
            console.print(
                f"[yellow]the cursor cannot be replayed ({escape_text(frame.reason)});"
                " beginning afresh[/yellow]"
            )
        case Live():
            console.print("[dim]caught up; waiting for more (Ctrl-C ends)[/dim]")
        case Error():
            console.print(
                f"[yellow]{escape_text(frame.message)}[/yellow]"
                + (" [dim]coming back…[/dim]" if frame.retry else "")
            )
        case Move():
            console.print("[dim]this edge stops; coming back to another one…[/dim]")
        case TokenExpiring():
            console.print(f"[yellow]the token ends in {frame.expires_in_seconds:.0f} s[/yellow]")
        case RelayedSignal():
            console.print(
                f"[dim]{escape_text(frame.sender)} in {escape_text(frame.to)}:"
                f" {escape_text(frame.name)}[/dim]"
            )
        case Heartbeat() | Result() | Presence():
            pass


def escape_text(text: str) -> str:
    """Return foreign text for a terminal, without effect of markup and control characters."""
    return escape("".join(character if character.isprintable() else "·" for character in text))


def save_cursor(file: Path, cursor: str | None) -> None:
    """Save a cursor for the next time, whole or not at all."""
    if cursor:
        draft = file.with_suffix(file.suffix + ".new")
        draft.write_text(cursor)
        draft.replace(file)


def _print_entry(console: Console, entry: Entry) -> None:
    match entry:
        case Notification():
            color = LEVELS[entry.level]
            time = entry.created.astimezone().strftime("%d %b %H:%M:%S")
            mark = " " if entry.read else "•"
            urgent = (
                f" [bold red]{entry.priority}[/bold red]"
                if entry.priority in ("high", "critical")
                else ""
            )
            console.print(
                f"[{color}]{mark}[/{color}] [dim]{time}[/dim]  "
                f"[bold]{escape_text(entry.title)}[/bold]"
                f"{urgent}  {escape_text(entry.message)}"
            )
        case Mark():
            console.print(f"[dim]✓ {_mark_subject(entry)} marked {entry.state}[/dim]")


def _mark_subject(mark: Mark) -> str:
    """Return what a mark applies to, in words."""
    if mark.ids:
        return f"{len(mark.ids)} notification{'s' if len(mark.ids) != 1 else ''}"
    return "everything of a kind" if mark.filter else "everything so far"


def _print_counts(console: Console, frame: Snapshot | Entries) -> None:
    if frame.counts:
        console.print(
            f"[dim]  {frame.counts.unread} unread of {frame.counts.total}"
            f" · cursor {frame.cursor}[/dim]"
        )


def _print_omitted(console: Console, frame: Snapshot) -> None:
    """Print how many notifications a snapshot leaves out, and how to see all from now on."""
    omitted = (frame.counts.total if frame.counts else 0) - len(frame.notifications)
    if omitted > 0:
        console.print(
            f"[yellow]  these are the newest {len(frame.notifications)}; {omitted} older ones are"
            " not shown. With --cursor-file the next time shows all that came meanwhile[/yellow]"
        )


def _disconnect_reason(problem: Exception, url: str) -> str:
    if isinstance(problem, InvalidHandshake | OSError):
        return f"the edge at {url} cannot be reached{proxy_note(url)}"
    return f"the connection ended: {problem}"
