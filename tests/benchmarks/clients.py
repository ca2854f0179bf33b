"""A crowd of raw WebSocket and Server-Sent Event clients in one process.

It shares the cores with the process under measurement, so it must be cheap.

    python -m tests.benchmarks.clients --ports 8000 --websockets 1000 --per-user 5 \\
        --websocket-path '/ws?user={user}' --counts '"type":"entries"' --stamp sent_ns \\
        --entries 5000 --seconds 10

Once every connection is open and has received its first expected frame, it prints `{"ready": true,
"seconds": …, "opening": …}`; `opening` holds the statistics (`Tally.statistics`) up to then. When
`--entries` have arrived or `--seconds` have passed since, it prints one line of statistics, and
ends. With `--hold` it obeys lines on stdin instead, answers each with one line of JSON, and keeps
the connections open until stdin closes:

    reset                       count from zero
    until <entries> <seconds>   wait for so many entries since the reset, or so many seconds;
                                answer with the statistics
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
"""Fewer than the ports for outgoing connections (28 231 by default).

Further connections come from another loopback address.
"""
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
LIST_FIELDS = ("ports", "headers")  # fields whose flags may be repeated


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of a crowd and what they count; each field is a flag of the command line.

    Paths, headers, user and say (the first text frame, if any) are templates: `{i}` is the number
    of the connection, `{n}` the number of its user, `{user}` and `{token}` those of its user.
    `tokens` is a file with a line for each user, `token` or `user token`. `counts` and `ready` are
    regular expressions over a frame (for an event stream: over the whole event). `stamp` names the
    integer field, in nanoseconds of `clock`, from which latency is computed. If the server does not
    greet (`greeted`), a connection is ready once it is answered.
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
        """Return the command line that states this crowd."""
        for name, value in msgspec.structs.asdict(self).items():
            for flag_value in value if name in LIST_FIELDS else (value,):
                yield f"{flag(name)}={flag_value}"

    def tally(self) -> Tally:
        """Return an empty tally for this crowd."""
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
        """Return the values of the templates for each connection.

        WebSockets and streams are dealt to the return_connection users.
        """
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
        """Return the template values of connection `i`, of user `n`."""
        *user, token = lines[n] if lines else [""]
        numbers = {"i": str(i), "n": str(n), "token": token}
        return numbers | {"user": user[0] if user else fill_template(self.user, numbers)}

    def connections(self, tally: Tally) -> Iterator[Connection]:
        """Return every connection, not yet open."""
        ready = re.compile(self.ready.encode(), re.DOTALL) if self.greeted else None
        for number, names in enumerate(self.names()):
            if number < self.websockets:
                request = self.request(self.websocket_path, WEBSOCKET_HEADERS, names)
                yield WebSocket(tally, request, ready, fill_template(self.say, names))
            else:
                yield Stream(tally, self.request(self.stream_path, STREAM_HEADERS, names), ready)

    def request(self, path: str, headers: tuple[str, ...], names: dict[str, str]) -> bytes:
        """Return the head of a request."""
        lines = (f"GET {path} HTTP/1.1", f"Host: {self.host}", *headers, *self.headers, "", "")
        return fill_template("\r\n".join(lines), names).encode()


def fill_template(template: str, names: dict[str, str]) -> str:
    """Replace `{name}` in a template; other braces (JSON) stay."""
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template


async def open_all(crowd: Crowd, tally: Tally) -> list[Connection]:
    """Open all connections, `OPENING_AT_ONCE` at a time.

    Each counts as open once it has received the frame it waits for.
    """
    loop = asyncio.get_running_loop()
    connections = list(crowd.connections(tally))
    places = iter(list(enumerate(connections)))

    async def open_some() -> None:
        for number, connection in places:
            source = (
                (f"127.0.0.{1 + number // CONNECTIONS_PER_ADDRESS}", 0)
                if number >= CONNECTIONS_PER_ADDRESS
                else None
            )
            await loop.create_connection(
                partial(return_connection, connection),
                crowd.host,
                crowd.ports[number % len(crowd.ports)],
                local_addr=source,
            )
            await connection.ready

    async with asyncio.timeout(OPENING_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(OPENING_AT_ONCE):
            group.create_task(open_some())
    return connections


def return_connection(connection: Connection) -> Connection:
    """Return the connection, as the protocol factory of an existing protocol."""
    return connection


async def obey_stdin(tally: Tally) -> None:
    """Obey the lines on stdin until it closes."""
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
    """Print one line of JSON."""
    print(json.dumps(answer), flush=True)


async def run(crowd: Crowd, entries: int, seconds: float, hold: bool) -> None:
    """Open the connections, print that they are ready, and count."""
    tally = crowd.tally()
    started_at = time.monotonic()
    connections = await open_all(crowd, tally)
    gc.freeze()
    gc.disable()
    say(
        {
            "ready": True,
            "seconds": time.monotonic() - started_at,
            "connections": len(connections),
            "opening": tally.statistics(),
        }
    )
    tally.reset()
    if hold:
        await obey_stdin(tally)
    else:
        say(await tally.until(entries, seconds))


def flag(name: str) -> str:
    """Return the flag of a field."""
    return f"--{name.replace('_', '-')}"


def arguments() -> dict[str, Any]:
    """Parse the command line: the given fields of `Crowd`, and when to stop."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in Crowd.__struct_fields__:
        parser.add_argument(
            flag(name),
            action="append" if name in LIST_FIELDS else "store",
            default=argparse.SUPPRESS,
        )
    parser.add_argument("--entries", type=int, default=sys.maxsize)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hold", action="store_true")
    return vars(parser.parse_args())


def main() -> None:
    """The command line."""
    values = arguments()
    crowd = msgspec.convert(values, Crowd, strict=False)
    raise_file_limit(crowd.websockets + crowd.streams + 100)
    uvloop.run(run(crowd, values["entries"], values["seconds"], values["hold"]))


if __name__ == "__main__":
    main()
