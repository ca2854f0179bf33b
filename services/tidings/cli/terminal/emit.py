"""Emit: events from the command line or a file to the gateway, again and again until they are there."""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import httpx
import msgspec
from tidings.contracts.cloudevents import LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.codec import InvalidEvent, decode, encode, known_event_of, unknown_type
from tidings.contracts.events import EVENTS
from tidings.runtime.errors import Permanent

CHUNK_LINES = 1000
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
REQUEST_SECONDS = 60.0


class NotEmitted(Permanent):
    """Something could not be emitted; its text says what, where and what to do."""


class Emitter:
    """A client of the gateway's."""

    def __init__(
        self, client: httpx.AsyncClient, token: str, waiting: Callable[[str], None]
    ) -> None:
        self._client = client
        self._waiting = waiting
        self._headers = {"Authorization": f"Bearer {token}"}

    async def emit(self, body: bytes, media_type: str = MEDIA_TYPE) -> dict[str, Any]:
        """Send one request, trying again while the gateway is away; returns its receipt. Raises NotEmitted."""
        headers = {**self._headers, "Content-Type": media_type}
        for wait in (*RETRY_SECONDS, None):
            try:
                response = await self._client.post(
                    "/v1/events", content=body, headers=headers, timeout=REQUEST_SECONDS
                )
            except httpx.UnsupportedProtocol:
                raise NotEmitted(
                    f"`{self._client.base_url}` is no address; is TIDINGS_URL right?"
                ) from None
            except httpx.TransportError as error:
                problem = f"{self._client.base_url} cannot be reached ({type(error).__name__})"
            else:
                if response.status_code == 200:
                    return response.json()
                problem = _problem(response)
                if response.status_code not in (429, 502, 503, 504):
                    raise NotEmitted(problem)
            if wait is None:
                raise NotEmitted(
                    f"{problem}; what was sent before is stored: run it again later, nothing is doubled"
                )
            self._waiting(f"{problem}; trying again in {wait:.1f} s")
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def emit_lines(
        self, lines: Iterator[bytes], progress: Callable[[int, int], None]
    ) -> tuple[int, int]:
        """Send JSON lines a thousand at a time; returns how many events there were and how many of them were new. Raises NotEmitted."""
        events = new = sent = 0
        while chunk := list(islice(lines, CHUNK_LINES)):
            try:
                receipt = await self.emit(b"".join(chunk), LINES_MEDIA_TYPE)
            except NotEmitted as error:
                raise NotEmitted(f"lines {sent + 1} to {sent + len(chunk)}: {error}") from None
            sent += len(chunk)
            events += receipt["events"]
            new += receipt["appended"]
            progress(events, new)
        return events, new


def event(
    type_: str,
    fields: dict[str, str],
    *,
    source: str,
    identifier: str | None,
    actor: str | None,
    subject: str | None,
) -> bytes:
    """An event from words of the command line; the type says which of them are numbers. Raises NotEmitted."""
    shape = next((each for each in EVENTS if each.type == type_), None)
    if shape is None:
        raise NotEmitted(unknown_type(type_))
    try:
        typed = msgspec.to_builtins(msgspec.convert(_nested(fields), shape, strict=False))
    except msgspec.ValidationError as error:
        raise NotEmitted(f"{type_}: {error}") from None
    given = {"actor": actor, "subject": subject}
    body = {
        "specversion": "1.0",
        "id": identifier or str(uuid4()),
        "source": source,
        "type": type_,
        "time": datetime.now(UTC),
        **{name: value for name, value in given.items() if value},
        "data": {**fields, **{name: value for name, value in typed.items() if value is not None}},
    }
    return _checked(encode(body))


def lines_of(path: str) -> Iterator[bytes]:
    """The lines of a file, unpacked if its name ends in .gz, or of standard input for `-`. Raises NotEmitted."""
    try:
        with _opened(path) as file:
            for line in file:
                yield line if line.endswith(b"\n") else line + b"\n"
    except (OSError, EOFError, zlib.error) as error:
        raise NotEmitted(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None


def _opened(path: str) -> gzip.GzipFile | BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    return gzip.open(path) if path.endswith(".gz") else Path(path).open("rb")


def _nested(fields: dict[str, str]) -> dict[str, Any]:
    """`to={"everyone": true}` is an object; whatever else is text."""
    return {
        name: _json(name, value) if value[:1] in ("{", "[") else value
        for name, value in fields.items()
    }


def _json(name: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise NotEmitted(f"{name}: {error}") from None


def _checked(body: bytes) -> bytes:
    try:
        known_event_of(decode(body))
    except InvalidEvent as error:
        raise NotEmitted(str(error)) from None
    return body


def _problem(response: httpx.Response) -> str:
    try:
        problem: dict[str, Any] = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    where = "".join(f", {name} {problem[name]}" for name in ("line", "field") if name in problem)
    return f"{problem.get('title', 'error')}{where}: {problem.get('detail', response.status_code)}"
