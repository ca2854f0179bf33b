"""A crowd of raw WebSocket and Server-Sent Event clients in one process, cheap because it shares the cores with what it measures.

    python -m tests.benchmarks.clients --ports 8000 --websockets 1000 --per-user 5 --websocket-path '/ws?user={user}' \\
        --counts '"type":"entries"' --stamp sent_ns --entries 5000 --seconds 10

Once every connection is open and has seen the frame it was waiting for, it prints `{"ready": true, "seconds": …, "opening": …}`, the
last being the statistics (`Tally.statistics`) up to then; when `--entries` have arrived or `--seconds` have passed since, one line of
statistics, and ends. With `--hold` it obeys lines on stdin instead, with one line of JSON in answer to each, and the connections stay
open until stdin closes:

    reset                       count from zero
    until <entries> <seconds>   the statistics when so many have arrived since the reset, or so many seconds have passed
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from tests.benchmarks.connections import Connection, Stream, WebSocket
from tests.benchmarks.measure import raise_file_limit
from tests.benchmarks.tally import Tally

OPENING_AT_ONCE = 64
CONNECTIONS_PER_ADDRESS = 20_000
"""Fewer than there are ports for outgoing connections (by default 28 231), so that the next so many come from another loopback address."""
OPENING_SECONDS = 120.0
CLOCKS = {"monotonic": time.monotonic_ns, "realtime": time.time_ns}
WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WEBSOCKET_HEADERS = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {WEBSOCKET_KEY}",
)
STREAM_HEADERS = ("Accept: text/event-stream",)
REPEATED = ("ports", "headers")  # the fields whose flags may be given several times


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Who connects where and what they look for; each field is a flag of the command line.

    Paths, headers, user and say (the first text frame, if any) are templates: `{i}` is the connection's number, `{n}` its user's number,
    `{user}` and `{token}` its user's. `tokens` is a file with a line for each user, `token` or `user token`. `counts` and `ready` are
    regular expressions over a frame (of an event stream: over the whole event); `stamp` names the integer field, in nanoseconds of `clock`,
    from which latency is reckoned. Where the server does not greet (`greeted`), a connection is ready once it is answered.
    """

    host: str = "127.0.0.1"
    ports: tuple[int, ...] = ()
    websockets: int = 0
    streams: int = 0
    per_user: int = 1
    first_user: int = 0
    websocket_path: str = "/ws?user={user}"
    stream_path: str = "/stream?user={user}"
    headers: tuple[str, ...] = ()
    user: str = "user-{n}"
    tokens: str = ""
    say: str = ""
    ready: str = ""
    counts: str = ""
    stamp: str = ""
    clock: str = "monotonic"
    greeted: bool = True

    def flags(self) -> Iterator[str]:
        """The command line that states this crowd."""
        for name, value in msgspec.structs.asdict(self).items():
            for each in value if name in REPEATED else (value,):
                yield f"{flag(name)}={each}"

    def tally(self) -> Tally:
        """An empty tally of what this crowd counts."""
        stamp = (
            re.compile(rb'"%b"\s*:\s*"?(\d+)' % re.escape(self.stamp).encode())
            if self.stamp
            else None
        )
        return Tally(
            counts=re.compile(self.counts.encode(), re.DOTALL),
            stamp=stamp,
            clock=CLOCKS[self.clock],
        )

    def names(self) -> list[dict[str, str]]:
        """What the templates are filled with, a connection each; WebSockets and streams are dealt to the same users alike."""
        lines = (
            [line.split() for line in Path(self.tokens).read_text().splitlines()]
            if self.tokens
            else []
        )
        numbers = [*range(self.websockets), *range(self.streams)]
        return [
            self.names_of(i, self.first_user + number // self.per_user, lines)
            for i, number in enumerate(numbers)
        ]

    def names_of(self, i: int, n: int, lines: list[list[str]]) -> dict[str, str]:
        """The names of connection `i`, of user `n`."""
        *user, token = lines[n] if lines else [""]
        numbers = {"i": str(i), "n": str(n), "token": token}
        return numbers | {"user": user[0] if user else filled(self.user, numbers)}

    def connections(self, tally: Tally) -> Iterator[Connection]:
        """Every connection, not yet open."""
        ready = re.compile(self.ready.encode(), re.DOTALL) if self.greeted else None
        for number, names in enumerate(self.names()):
            if number < self.websockets:
                request = self.request(self.websocket_path, WEBSOCKET_HEADERS, names)
                yield WebSocket(tally, request, ready, filled(self.say, names))
            else:
                yield Stream(tally, self.request(self.stream_path, STREAM_HEADERS, names), ready)

    def request(self, path: str, headers: tuple[str, ...], names: dict[str, str]) -> bytes:
        """The request's head."""
        lines = (f"GET {path} HTTP/1.1", f"Host: {self.host}", *headers, *self.headers, "", "")
        return filled("\r\n".join(lines), names).encode()


def filled(template: str, names: dict[str, str]) -> str:
    """The template with `{name}` replaced; other braces (JSON) stay."""
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template


async def opened(crowd: Crowd, tally: Tally) -> list[Connection]:
    """Open all connections, `OPENING_AT_ONCE` at a time, each until it has seen the frame it waits for."""
    loop = asyncio.get_running_loop()
    connections = list(crowd.connections(tally))
    places = iter(list(enumerate(connections)))

    async def some() -> None:
        for number, connection in places:
            source = (
                (f"127.0.0.{1 + number // CONNECTIONS_PER_ADDRESS}", 0)
                if number >= CONNECTIONS_PER_ADDRESS
                else None
            )
            await loop.create_connection(
                partial(same, connection),
                crowd.host,
                crowd.ports[number % len(crowd.ports)],
                local_addr=source,
            )
            await connection.ready

    async with asyncio.timeout(OPENING_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(OPENING_AT_ONCE):
            group.create_task(some())
    return connections


def same(connection: Connection) -> Connection:
    """The protocol factory of a protocol that exists."""
    return connection


async def obeyed(tally: Tally) -> None:
    """Do what stdin says until it closes."""
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin
    )
    while line := await stdin.readline():
        match line.decode().split():
            case ["reset"]:
                tally.reset()
                say({"reset": True})
            case ["until", entries, seconds]:
                say(await tally.until(int(entries), float(seconds)))
            case unknown:
                say({"unknown": unknown})


def say(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(answer), flush=True)


async def run(crowd: Crowd, entries: int, seconds: float, hold: bool) -> None:
    """Connect, say so, count."""
    tally = crowd.tally()
    started = time.monotonic()
    connections = await opened(crowd, tally)
    gc.freeze()
    gc.disable()
    say(
        {
            "ready": True,
            "seconds": time.monotonic() - started,
            "connections": len(connections),
            "opening": tally.statistics(),
        }
    )
    tally.reset()
    if hold:
        await obeyed(tally)
    else:
        say(await tally.until(entries, seconds))


def flag(name: str) -> str:
    """The flag of a field."""
    return f"--{name.replace('_', '-')}"


def arguments() -> dict[str, Any]:
    """The command line: the fields of `Crowd` that were said, and when to stop."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in Crowd.__struct_fields__:
        parser.add_argument(
            flag(name), action="append" if name in REPEATED else "store", default=argparse.SUPPRESS
        )
    parser.add_argument("--entries", type=int, default=sys.maxsize)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hold", action="store_true")
    return vars(parser.parse_args())


def main() -> None:
    """The command line."""
    asked = arguments()
    crowd = msgspec.convert(asked, Crowd, strict=False)
    raise_file_limit(crowd.websockets + crowd.streams + 100)
    uvloop.run(run(crowd, asked["entries"], asked["seconds"], asked["hold"]))


if __name__ == "__main__":
    main()
