"""Read the lines of a file or of a pipe in chunks, once."""

from __future__ import annotations

import asyncio
import gzip
import os
import stat
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator, Iterable, Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import cast

from tidings.cli.terminal.emit_error import EmitError

CHUNK_LINES = 1000
BLOCK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


class EventLines:
    """The lines of a file (also compressed by gzip), of a pipe, or of standard input for `-`."""

    def __init__(self, path: str) -> None:
        """Open the file; raises EmitError."""
        self._path = path
        try:
            self._file = _open(path)
            status = os.fstat(self._file.fileno())
        except OSError as error:
            raise self._unreadable(error) from None
        self.total_bytes = status.st_size if stat.S_ISREG(status.st_mode) else None
        """The size of a regular file as it was opened; None for a pipe."""

    @property
    def read_bytes(self) -> int:
        """How many bytes of a regular file have been read."""
        return self._file.tell()

    async def chunks(self) -> AsyncGenerator[list[bytes]]:
        """Yield lists of up to 1000 lines, each file or pipe read once; raises EmitError.

        A pipe gives the lines that it has, so that those of a slow writer are not held back.
        """
        try:
            with self._file:
                await _wait_until_readable(self._file.fileno())
                first = True
                async for chunk in self._all_chunks():
                    if first:
                        chunk[0] = chunk[0].removeprefix(BOM_UTF8)
                    first = False
                    yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from None

    async def _all_chunks(self) -> AsyncGenerator[list[bytes]]:
        is_gzip = self._file.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        if is_gzip or self._path.endswith(".gz"):
            for chunk in _chunked(cast("Iterable[bytes]", gzip.GzipFile(fileobj=self._file))):
                yield chunk
        elif self.total_bytes is not None:
            for chunk in _chunked(self._file):
                yield chunk
        else:
            async for chunk in self._available_chunks():
                yield chunk

    async def _available_chunks(self) -> AsyncGenerator[list[bytes]]:
        rest = b""
        while block := self._file.read1(BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            for chunk in _chunked(lines):
                yield chunk
            await _wait_until_readable(self._file.fileno())
        if rest:
            yield [rest]

    def _unreadable(self, error: Exception) -> EmitError:
        return EmitError(
            f"{self._path} cannot be read: {getattr(error, 'strerror', None) or error}"
        )


def _open(path: str) -> BufferedReader:
    if path != "-":
        return Path(path).open("rb")
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  closed by `<&-`
        raise EmitError("standard input is closed")
    return cast("BufferedReader", sys.stdin.buffer)


def _chunked(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, CHUNK_LINES)):
        yield chunk


async def _wait_until_readable(descriptor: int) -> None:
    """Wait for a pipe without blocking the event loop, so that Ctrl-C ends the command."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, readable.set)
    except PermissionError:
        return  # a regular file or /dev/null, which never block
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
