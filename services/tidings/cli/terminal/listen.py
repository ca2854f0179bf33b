"""Listen: a client in the terminal that follows a person's log, comes back by itself, and proves that it missed nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from tidings.contracts.frames import (
    Auth,
    Entries,
    Error,
    Heartbeat,
    Hello,
    Live,
    Move,
    Presence,
    Reset,
    Result,
    ServerFrame,
    Signalled,
    Snapshot,
    TokenExpiring,
)
from tidings.contracts.notifications import Entry, Mark, Notification
from tidings.runtime.cancellation import heed
from tidings.runtime.errors import Permanent
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, WebSocketException

BACKOFF_SECONDS = 0.25
BACKOFF_LIMIT_SECONDS = 10.0
CLOSE_LIMIT_SECONDS = 1.0
"""So long a silent edge may delay whoever wants to leave."""
FRAME_LIMIT_BYTES = 16 * 1024 * 1024
FINAL_CODES = (4001, 4002, 4003)
FINAL_FROM = 4500
LEVELS = {"info": "cyan", "success": "green", "warning": "yellow", "error": "red"}

_frame: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


class SignedOut(Permanent):
    """The edge does not want this client back."""


class BrokenChain(Exception):
    """A frame does not begin where the one before ended."""


class Listener:
    """A cursor, and the frames after it."""

    def __init__(self, url: str, token: str, cursor: str | None) -> None:
        self._url = url.replace("http", "ws", 1) + "/v1/socket"
        self._token = token
        self.cursor = cursor

    async def frames(self) -> AsyncGenerator[tuple[ServerFrame, str]]:
        """Every frame as value and text, from connection to connection; raises SignedOut."""
        failures = 0
        while True:
            heed()
            try:
                async for frame, text in self._connection():
                    failures = 0
                    yield frame, text
            except (OSError, WebSocketException, BrokenChain, TimeoutError) as problem:
                yield Error(code="disconnected", message=_reason(problem), retry=True), ""
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
                if code in FINAL_CODES or code >= FINAL_FROM:
                    raise SignedOut(f"{socket.close_reason} ({code})") from None
                raise

    def _follow(self, frame: ServerFrame) -> None:
        match frame:
            case Entries():
                if frame.after != self.cursor:
                    raise BrokenChain(f"a frame after {frame.after} does not follow {self.cursor}")
                self.cursor = frame.cursor
            case Heartbeat() if frame.cursor != self.cursor:
                raise BrokenChain(f"the edge is at {frame.cursor}, we are at {self.cursor}")
            case Snapshot() | Reset() | Hello():
                self.cursor = frame.cursor
            case _:
                pass


def show(console: Console, frame: ServerFrame) -> None:  # noqa: C901  one decision, however many frames
    """Print a frame as a person wants to read it."""
    match frame:
        case Hello():
            console.print(f"[dim]connected as {printable(frame.user)}, at {frame.cursor}[/dim]")
        case Snapshot():
            for notification in reversed(frame.notifications):
                _show(console, notification)
            _show_counts(console, frame)
        case Entries():
            for entry in frame.entries:
                _show(console, entry)
            if frame.entries:
                _show_counts(console, frame)
        case Reset():
            console.print(
                f"[yellow]the cursor cannot be replayed ({printable(frame.reason)}); beginning afresh[/yellow]"
            )
        case Live():
            console.print("[dim]caught up; waiting for more (Ctrl-C ends)[/dim]")
        case Error():
            console.print(
                f"[yellow]{printable(frame.message)}[/yellow]"
                + (" [dim]coming back…[/dim]" if frame.retry else "")
            )
        case Move():
            console.print("[dim]this edge stops; coming back to another one…[/dim]")
        case TokenExpiring():
            console.print(f"[yellow]the token ends in {frame.expires_in_seconds:.0f} s[/yellow]")
        case Signalled():
            console.print(
                f"[dim]{printable(frame.sender)} in {printable(frame.to)}: {printable(frame.name)}[/dim]"
            )
        case Heartbeat() | Result() | Presence():
            pass


def printable(text: str) -> str:
    """Text of others, for a terminal: no markup and no control characters take effect."""
    return escape("".join(character if character.isprintable() else "·" for character in text))


def remember(file: Path, cursor: str | None) -> None:
    """Keep a cursor for the next time, whole or not at all."""
    if cursor:
        draft = file.with_suffix(file.suffix + ".new")
        draft.write_text(cursor)
        draft.replace(file)


def _show(console: Console, entry: Entry) -> None:
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
                f"[{color}]{mark}[/{color}] [dim]{time}[/dim]  [bold]{printable(entry.title)}[/bold]{urgent}  {printable(entry.message)}"
            )
        case Mark():
            console.print(f"[dim]✓ {_named(entry)} marked {entry.state}[/dim]")


def _named(mark: Mark) -> str:
    """What a mark is about, in words."""
    if mark.ids:
        return f"{len(mark.ids)} notification{'s' if len(mark.ids) != 1 else ''}"
    return "everything of a kind" if mark.filter else "everything so far"


def _show_counts(console: Console, frame: Snapshot | Entries) -> None:
    if frame.counts:
        console.print(
            f"[dim]  {frame.counts.unread} unread of {frame.counts.total} · cursor {frame.cursor}[/dim]"
        )


def _reason(problem: Exception) -> str:
    if isinstance(problem, InvalidHandshake | OSError):
        return "the edge cannot be reached"
    return f"the connection ended: {problem}"
