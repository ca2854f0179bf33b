"""A mail server that takes everything and counts it; a program that answers lines on its pipes.

`until COUNT SECONDS` waits for so many mails since the start or the last `reset`, and prints their
number, the seconds from the first to the last, and for those whose subject ends with the moment
they were sent (nanoseconds of CLOCK_MONOTONIC) the milliseconds from there. With `--silent` it
accepts connections and says nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from tests.benchmarks.processes import free_port, program, wait_until_listening

_STAMP = re.compile(rb"\r\nSubject: [^\r]* (\d{6,})\r\n")


class Counter:
    """The handler of aiosmtpd: what came since the last reset."""

    def __init__(self) -> None:
        self.reset()
        self._arrived = asyncio.Event()

    def reset(self) -> None:
        """Count from zero."""
        self.times: list[int] = []
        self.milliseconds: list[float] = []

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        now = time.monotonic_ns()
        self.times.append(now)
        content = envelope.content
        if isinstance(content, bytes) and (stamp := _STAMP.search(content)):
            self.milliseconds.append((now - int(stamp[1])) / 1e6)
        self._arrived.set()
        return "250 2.0.0 queued"

    async def until(self, count: int, seconds: float) -> dict[str, Any]:
        """Wait for mails, or for a limit; return what came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.times) < count:
                    self._arrived.clear()
                    await self._arrived.wait()
        took = (self.times[-1] - self.times[0]) / 1e9 if self.times else 0.0
        return {"count": len(self.times), "seconds": took, "milliseconds": self.milliseconds}


class MailSink:
    """A sink in a process of its own."""

    def __init__(self, process: Process, port: int) -> None:
        assert process.stdin and process.stdout
        self.port = port
        self.pid = process.pid
        self._stdin, self._stdout = process.stdin, process.stdout

    async def reset(self) -> None:
        """Count from zero."""
        self._stdin.write(b"reset\n")
        await self._stdout.readline()

    async def until(self, count: int, seconds: float) -> dict[str, Any]:
        """Wait for mails since the reset; return `Counter.until`."""
        self._stdin.write(f"until {count} {seconds}\n".encode())
        return json.loads(await self._stdout.readline())


@asynccontextmanager
async def mail_sink(*, silent: bool = False) -> AsyncGenerator[MailSink]:
    """Run a sink while the block lasts."""
    port = free_port()
    command = (sys.executable, "-m", "tests.benchmarks.mail_sink", str(port))
    async with program(*command, *(["--silent"] if silent else []), pipes=PIPE) as process:
        await wait_until_listening(process, port)
        yield MailSink(process, port)


async def _serve(port: int, *, silent: bool) -> None:
    counter, loop = Counter(), asyncio.get_running_loop()

    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server = (
        await asyncio.start_server(say_nothing, "127.0.0.1", port)
        if silent
        else await loop.create_server(lambda: SMTP(counter), "127.0.0.1", port)
    )
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with server:
        async for line in lines:
            answer: Any = None
            match line.split():
                case [b"reset"]:
                    counter.reset()
                case [b"until", count, seconds]:
                    answer = await counter.until(int(count), float(seconds))
                case _:
                    raise SystemExit(f"not understood: {line!r}")
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), silent="--silent" in sys.argv))
