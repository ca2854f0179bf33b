"""An installation whose processes can be killed and started again, and clients that survive it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx
from tidings.client import Tidings as EmitClient
from tidings.client.jetstream import connect
from tidings.contracts.cloudevents import LINES_MEDIA_TYPE
from tidings.contracts.subjects import Person
from tidings.runtime.embedded.child import LAUNCHER
from tidings.runtime.embedded.data_directory import PORTS, is_port_free
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.embedded.postgres_server import PostgresServer
from tidings.runtime.embedded.server import EmbeddedServer

from tests.delivered_titles import DeliveredTitles, read_tenant_log
from tests.driver import SECRET, Client, Tidings

ROOT = Path(__file__).parents[2]
SERVERS = ("nats", "postgres")
SERVICES = ("notifier", "projector", "edge", "gateway")
LIMIT_SECONDS = 40.0
LINE_LIMIT_BYTES = 2**25


class Process:
    """A `tidings …` process that ends with the test process."""

    def __init__(self, words: Iterable[str], environment: dict[str, str], log: Path) -> None:
        self._words = tuple(words)
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")
        } | environment
        self._log = log

    async def spawn(self) -> Self:
        """Start the process."""
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

    async def start(self, limit_seconds: float = LIMIT_SECONDS) -> str:
        """Start the process, wait until it is ready, and return its URL."""
        await self.spawn()
        line = await asyncio.wait_for(self.stdout.readline(), limit_seconds)
        assert line.startswith(b"ready "), (
            f"tidings {' '.join(self._words)}: {line!r}; {self.read_log()[-2000:]}"
        )
        return line.decode().removeprefix("ready ").strip()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the process a signal if it runs."""
        if self.is_running:
            self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        return await asyncio.wait_for(self._process.wait(), LIMIT_SECONDS)

    def children(self) -> list[int]:
        """Return the process ids of its `tidings` children."""
        with suppress(FileNotFoundError, ProcessLookupError):  # one of them has just ended
            return [
                pid
                for pid in _descendants(self._process.pid)
                if b"tidings.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
        return []

    @property
    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self._process.returncode is None

    @property
    def stdout(self) -> asyncio.StreamReader:
        """The standard output."""
        assert self._process.stdout
        return self._process.stdout

    def read_log(self) -> str:
        """Return the standard error of this process and its predecessors."""
        return self._log.read_text()


class Installation:
    """Servers and services, each in its own process, whose addresses survive a restart."""

    def __init__(self, directory: Path, settings: dict[str, object]) -> None:
        directory.mkdir(exist_ok=True)
        nats, postgres, edge, gateway = random.sample(
            [port for port in random.sample(PORTS, 100) if is_port_free(port)], 4
        )
        self.directory = directory
        self.url, self.gateway_url = f"http://127.0.0.1:{edge}", f"http://127.0.0.1:{gateway}"
        self.nats, self.postgres = NatsServer(directory, nats), PostgresServer(directory, postgres)
        self._settings = settings
        self._ports = {"edge": edge, "gateway": gateway}
        self.parts: dict[str, EmbeddedServer | Process] = {
            "nats": self.nats,
            "postgres": self.postgres,
        }

    async def __aenter__(self) -> Self:
        await self.start(*SERVERS)
        self.parts |= {name: self.process(name, port=self._ports.get(name, 0)) for name in SERVICES}
        await self.start(*SERVICES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill(*(name for name in reversed(self.parts) if self.parts[name].is_running))

    def process(
        self,
        *words: str,
        log: str = "",
        variables: dict[str, str] | None = None,
        **settings: object,
    ) -> Process:
        """Return a `tidings …` process for this installation, with these settings and variables."""
        chosen = {
            "nats_url": self.nats.url,
            "postgres_dsn": self.postgres.dsn,
            "client_url": self.url,
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
        """Start parts of the installation, and wait until they are ready."""
        await asyncio.gather(*(self.parts[name].start() for name in names))

    async def kill(self, *names: str) -> None:
        """Kill parts of the installation at once with SIGKILL, and wait for their end."""
        for name in names:
            self.parts[name].kill()
        for name in names:
            await self.parts[name].wait()

    def list_stopped_parts(self) -> list[str]:
        """Return the names of the parts that do not run."""
        return [name for name, part in self.parts.items() if not part.is_running]

    async def export_events(self, tenant: str) -> list[dict[str, Any]]:
        """Return the events of a tenant in order, from `tidings events export`."""
        export = await self.process("events", "export", "--tenant", tenant, log="export").spawn()
        events = [json.loads(line) async for line in export.stdout]
        assert await export.wait() == 0, export.read_log()
        return events

    async def read_titles(self, person: Person) -> list[str]:
        """Return the titles of all notifications of a user, read from the stream."""
        async with connect(self.nats.url, "tests") as jetstream:
            return (
                DeliveredTitles()
                .add_messages(await read_tenant_log(jetstream, person.tenant))
                .titles[person.user]
            )


class Tenant(Tidings):
    """A tenant of an installation; its events are emitted again until they are acknowledged."""

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
        self._emitting = await self._stack.enter_async_context(
            EmitClient(self.installation.gateway_url, self.token(), source="/tests")
        )
        return self

    async def emit(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Emit events, and retry while the gateway or NATS is away."""
        emitted = await asyncio.gather(
            *(self._emitting.emit_body(json.dumps(event).encode()) for event in events)
        )
        self.acknowledged += [event["id"] for event in events]
        return {"sequences": [[each.sequence, each.sequence] for each in emitted]}

    async def try_to_emit(self, *events: dict[str, Any]) -> httpx.Response | None:
        """Emit events without a retry; return the response, or None without one."""
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
        """Return the events of the tenant without duplicates, each at its first position.

        Fails if an acknowledged event is missing.
        """
        once = {
            event["id"]: event
            for event in reversed(await self.installation.export_events(self.tenant))
        }
        assert once.keys() >= set(self.acknowledged)
        return list(reversed(once.values()))

    async def check_agreement(
        self, user: str, told: list[str], client: Client | None = None
    ) -> None:
        """Check that the log, the list, the counts, a replay and a client agree on the titles of a
        user.
        """
        person = Person(self.tenant, user)
        start = f"{(await self.get('/v1/log', user))['cursor'].split('-')[0]}-0"
        assert await self.installation.read_titles(person) == told
        await self.wait_for_counts(user, total=len(told), unread=len(told), unseen=len(told))
        assert titles_of(reversed(await self.list_all(user))) == told
        assert titles_of((await self.replay(user, start)).entries) == told
        assert client is None or titles_of(client.entries) == told

    @asynccontextmanager
    async def listen(self, user: str) -> AsyncGenerator[Terminal]:
        """Run a `tidings listen` process while the block lasts, once it is live."""
        process = await self.installation.process(
            "listen", "--json", "--user", user, "--tenant", self.tenant
        ).spawn()
        try:
            yield await Terminal(_frames(process)).live()
            assert process.is_running, process.read_log()
        finally:
            process.kill()
            await process.wait()


class Terminal(Client):
    """A `tidings listen` process; its frames must form one unbroken chain over all connections."""

    _astray = False

    async def wait_for_title(self, title: str) -> None:
        """Read until a notification with this title."""
        while title not in titles_of(self.entries[-1:]):
            await self.next("entries")

    def _fold(self, frame: dict[str, Any]) -> None:
        assert not self._astray or frame["type"] == "reset", f"after {self.frames[-1]} came {frame}"
        self._astray = frame["type"] == "hello" and self.cursor not in (None, frame["cursor"])
        super()._fold(frame)


def _descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(each for child in children for each in _descendants(child))]


def titles_of(entries: Iterable[dict[str, Any]]) -> list[str]:
    """Return the titles of the notifications among entries."""
    return [entry["title"] for entry in entries if "title" in entry]


def _lines(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


async def _frames(process: Process) -> AsyncIterator[dict[str, Any]]:
    async for line in process.stdout:
        yield json.loads(line)
