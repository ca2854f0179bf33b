"""Faults: an installation whose servers and processes can each be killed and started again, and clients that must survive it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx
from tidings.cli.terminal.emit import Emitter
from tidings.contracts.cloudevents import LINES_MEDIA_TYPE
from tidings.contracts.subjects import Person
from tidings.runtime.auth import issue
from tidings.runtime.child import LAUNCHER
from tidings.runtime.data_directory import PORTS, free
from tidings.runtime.embedded_nats import NatsServer
from tidings.runtime.embedded_postgres import PostgresServer
from tidings.runtime.embedded_server import Server
from tidings.runtime.jetstream import connect

from tests.driver import SECRET, Client, Tidings
from tests.heard import Heard, log_of

ROOT = Path(__file__).parents[2]
SERVERS = ("nats", "postgres")
SERVICES = ("notifier", "projector", "edge", "gateway")
PARTITIONS = 16
LIMIT_SECONDS = 40.0
LINE_LIMIT_BYTES = 2**25


class Process:
    """A `tidings …` process; it dies with us."""

    def __init__(self, words: Iterable[str], environment: dict[str, str], log: Path) -> None:
        self._words = tuple(words)
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")
        } | environment
        self._log = log

    async def spawn(self) -> Self:
        """Start it."""
        launcher = (
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(os.getpid()),
            str(int(signal.SIGKILL)),
            "-",
        )
        command = (*launcher, sys.executable, "-m", "tidings.cli", *self._words)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env=self._environment,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                limit=LINE_LIMIT_BYTES,
            )
        return self

    async def start(self) -> str:
        """Start it and wait until it is ready; what it says then."""
        await self.spawn()
        line = await asyncio.wait_for(self.stdout.readline(), LIMIT_SECONDS)
        assert line.startswith(b"ready "), (
            f"tidings {' '.join(self._words)}: {line!r}; {self.said()[-2000:]}"
        )
        return line.decode().removeprefix("ready ").strip()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal."""
        if self.running:
            self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait for its end; its exit code."""
        return await asyncio.wait_for(self._process.wait(), LIMIT_SECONDS)

    def children(self) -> list[int]:
        """The processes that it started and that run, leaving out those that only hold them."""
        with suppress(FileNotFoundError, ProcessLookupError):  # one of them has just ended
            return [
                pid
                for pid in _descendants(self._process.pid)
                if b"tidings.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
        return []

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process.returncode is None

    @property
    def stdout(self) -> asyncio.StreamReader:
        """What it prints."""
        assert self._process.stdout
        return self._process.stdout

    def said(self) -> str:
        """All that it, and those before it, wrote to standard error."""
        return self._log.read_text()


class Installation:
    """Servers and services, each a process of its own, on addresses that outlive them."""

    def __init__(self, directory: Path, settings: dict[str, object]) -> None:
        directory.mkdir(exist_ok=True)
        nats, postgres, edge, gateway = random.sample(
            [port for port in random.sample(PORTS, 100) if free(port)], 4
        )
        self.directory = directory
        self.url, self.gateway_url = f"http://127.0.0.1:{edge}", f"http://127.0.0.1:{gateway}"
        self.nats, self.postgres = NatsServer(directory, nats), PostgresServer(directory, postgres)
        self._settings = settings
        self._ports = {"edge": edge, "gateway": gateway}
        self.parts: dict[str, Server | Process] = {"nats": self.nats, "postgres": self.postgres}

    async def __aenter__(self) -> Self:
        await self.start(*SERVERS)
        self.parts |= {name: self.process(name, port=self._ports.get(name, 0)) for name in SERVICES}
        await self.start(*SERVICES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill(*(name for name in reversed(self.parts) if self.parts[name].running))

    def process(
        self,
        *words: str,
        log: str = "",
        variables: dict[str, str] | None = None,
        **settings: object,
    ) -> Process:
        """A `tidings …` process that knows this installation, with variables of its own beside the settings."""
        chosen = {
            "nats_url": self.nats.url,
            "postgres_dsn": self.postgres.dsn,
            "url": self.url,
            "jwt_secret": SECRET,
            "data_dir": self.directory / "none",
            "heartbeat_seconds": 1,
            "notifications_per_user": 50_000,
            **self._settings,
            **settings,
        }
        environment = {f"TIDINGS_{name.upper()}": str(value) for name, value in chosen.items()} | (
            variables or {}
        )
        return Process(words, environment, self.directory / f"{log or words[0]}.log")

    async def start(self, *names: str) -> None:
        """Start parts and wait until they are ready."""
        await asyncio.gather(*(self.parts[name].start() for name in names))

    async def kill(self, *names: str) -> None:
        """`kill -9`, all at once."""
        for name in names:
            self.parts[name].kill()
        for name in names:
            await self.parts[name].wait()

    def ended(self) -> list[str]:
        """Which parts do not run."""
        return [name for name, part in self.parts.items() if not part.running]

    async def events(self, tenant: str) -> list[dict[str, Any]]:
        """What `tidings events export` says: a tenant's events in their order."""
        export = await self.process("events", "export", "--tenant", tenant, log="export").spawn()
        events = [json.loads(line) async for line in export.stdout]
        assert await export.wait() == 0, export.said()
        return events

    async def heard(self, person: Person) -> list[str]:
        """The titles of all that a person was told, alone or by a topic, as it lies in the stream."""
        async with connect(self.nats.url, "tests") as jetstream:
            return Heard().take(await log_of(jetstream, person.tenant)).titles[person.user]


class Tenant(Tidings):
    """One tenant of an installation; its events go through a gateway that may die, by a client that tries again."""

    def __init__(self, installation: Installation, tenant: str | None = None) -> None:
        super().__init__(installation.url, None, tenant)
        self.installation = installation
        self.acknowledged: list[str] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        client = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self.installation.gateway_url, timeout=30)
        )
        self.gateway = client
        self.emitter = Emitter(client, self.token(), lambda _: None)
        return self

    async def emit(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Emit, again and again if need be."""
        receipt = await self.emitter.emit(_lines(events), LINES_MEDIA_TYPE)
        self.acknowledged += [event["id"] for event in events]
        return receipt

    async def try_to_emit(self, *events: dict[str, Any]) -> httpx.Response | None:
        """Emit once; the answer, if there is one."""
        try:
            headers = {**self.headers(), "Content-Type": LINES_MEDIA_TYPE}
            response = await self.gateway.post(
                "/v1/events", content=_lines(events), headers=headers
            )
        except httpx.TransportError:
            return None
        if response.status_code == 200:
            self.acknowledged += [event["id"] for event in events]
        return response

    async def events_once(self) -> list[dict[str, Any]]:
        """The tenant's events in the log, each where it stands first; whatever was acknowledged is among them."""
        once = {
            event["id"]: event for event in reversed(await self.installation.events(self.tenant))
        }
        assert once.keys() >= set(self.acknowledged)
        return list(reversed(once.values()))

    async def agree(self, user: str, told: list[str], client: Client | None = None) -> None:
        """Whether the log, the list, the counts, a replay and a client all say that a user was told this, once and in this order."""
        person = Person(self.tenant, user)
        start = f"{(await self.get('/v1/log', user))['cursor'].split('-')[0]}-0"
        assert await self.installation.heard(person) == told
        await self.eventually(user, total=len(told), unread=len(told), unseen=len(told))
        assert titles(reversed(await self.listing(user))) == told
        assert titles((await self.replay(user, start)).entries) == told
        assert client is None or titles(client.entries) == told

    @asynccontextmanager
    async def listen(self, user: str) -> AsyncGenerator[Terminal]:
        """A `tidings listen` process that is live, for as long as the block lasts."""
        process = await self.installation.process(
            "listen", "--json", "--user", user, "--tenant", self.tenant
        ).spawn()
        try:
            yield await Terminal(_frames(process)).live()
            assert process.running, process.said()
        finally:
            process.kill()
            await process.wait()


class Terminal(Client):
    """A `tidings listen` process: what it prints must be one unbroken chain, from connection to connection."""

    _astray = False

    async def hears(self, title: str) -> None:
        """Read until a notification with this title."""
        while title not in titles(self.entries[-1:]):
            await self.next("entries")

    def _fold(self, frame: dict[str, Any]) -> None:
        assert not self._astray or frame["type"] == "reset", f"after {self.seen[-1]} came {frame}"
        self._astray = frame["type"] == "hello" and self.cursor not in (None, frame["cursor"])
        super()._fold(frame)


def _descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(each for child in children for each in _descendants(child))]


def titles(entries: Iterable[dict[str, Any]]) -> list[str]:
    """The titles of the notifications among entries."""
    return [entry["title"] for entry in entries if "title" in entry]


async def eventually(question: Any, seconds: float = LIMIT_SECONDS) -> Any:
    """Ask until the answer is yes."""
    async with asyncio.timeout(seconds):
        while not (answer := await question()):  # noqa: ASYNC110  the answer is another process's
            await asyncio.sleep(0.05)
    return answer


def token(person: Person) -> str:
    """A token for a person."""
    return issue(person, "inbox emit", SECRET, time.time(), 3600)


def _lines(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


async def _frames(process: Process) -> AsyncIterator[dict[str, Any]]:
    async for line in process.stdout:
        yield json.loads(line)
