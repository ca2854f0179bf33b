"""The command line, run as a process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.driver import Tidings

WAIT_SECONDS = 40


class CommandResult(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class Command:
    """Runs `tidings …` with the servers of the tests and a tenant of its own."""

    def __init__(self, tidings: Tidings, given: dict[str, str]) -> None:
        self.environment = given
        self.tidings = tidings

    async def __call__(self, *words: str, stdin: bytes = b"", **more: str) -> CommandResult:
        async with self.start(*words, **more) as process:
            out, err = await asyncio.wait_for(process.communicate(stdin), WAIT_SECONDS)
        assert "Traceback" not in err.decode(), err.decode()
        return CommandResult(process.returncode or 0, out.decode(), err.decode())

    async def read_output(self, *words: str, **more: str | bytes) -> str:
        """Run a command that must succeed, and return its standard output."""
        ended = await self(*words, **more)  # type: ignore[arg-type]
        assert ended.code == 0, ended.err
        return ended.out

    async def read_error(self, *words: str, code: int = 1, **more: str | bytes) -> str:
        """Run a command that must fail with one line, and return its standard error."""
        ended = await self(*words, **more)  # type: ignore[arg-type]
        assert (ended.code, ended.out) == (code, "")
        assert code == 2 or (ended.err.startswith("error: ") and ended.err.count("\n") == 1), (
            ended.err
        )
        return ended.err

    @asynccontextmanager
    async def start(self, *words: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a command while the block lasts."""
        pipe = asyncio.subprocess.PIPE
        given = {
            **self.environment,
            **{f"TIDINGS_{name.upper()}": value for name, value in more.items()},
        }
        command = (sys.executable, "-m", "tidings.cli", *words)
        process = await asyncio.create_subprocess_exec(
            *command, env=given, stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
