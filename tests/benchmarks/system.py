"""Tidings under measurement: servers of its own in a directory of its own, each service a process of its own."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tidings.contracts import codec, subjects
from tidings.contracts.codec import encode
from tidings.contracts.subjects import Person
from tidings.runtime.append import Appender, Draft
from tidings.runtime.auth import issue
from tidings.runtime.embedded import embedded
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings, settings

from tests.benchmarks.clients import Crowd
from tests.benchmarks.entries import Entry, notification
from tests.benchmarks.processes import free_port, program

TENANTS = 10
STAGE_SECONDS = 120.0
POLL_SECONDS = 0.02
READY_SECONDS = 60.0
TOKEN_SECONDS = 3600.0


@dataclass
class System:
    """A running Tidings; `pids` and `ports` by service."""

    directory: Path
    settings: Settings
    runtime: Runtime
    stack: AsyncExitStack
    pids: dict[str, int] = field(default_factory=dict[str, int])
    ports: dict[str, int] = field(default_factory=dict[str, int])

    async def start(self, service: str, **more: object) -> None:
        """Start a service, with settings of its own, and wait until it is ready."""
        self.pids[service] = await self.stack.enter_async_context(self.service(service, **more))

    @asynccontextmanager
    async def service(self, name: str, **more: object) -> AsyncGenerator[int]:
        """A service while the block lasts; its process id."""
        shared = {
            "nats_url": self.settings.nats,
            "postgres_dsn": self.settings.postgres,
            "jwt_secret": self.settings.secret,
        }
        chosen = {
            **shared,
            "port": self.ports.setdefault(name, free_port()),
            "log_level": "ERROR",
            **more,
        }
        environment = {
            f"TIDINGS_{setting.upper()}": str(value) for setting, value in chosen.items()
        }
        async with program(
            sys.executable, "-m", "tidings.cli", name, environment=environment, pipes=PIPE
        ) as process:
            assert process.stdout
            await asyncio.wait_for(process.stdout.readuntil(b"ready"), READY_SECONDS)
            yield process.pid

    def entry(self, number: int, users: int, sent_ns: int = 1, *, first: int = 0) -> Draft:
        """A notification for each of so many people in turn, from person `first` on."""
        return notification(
            number, person(first + number % users), self.settings.partitions, sent_ns
        )

    def entries(self, users: int, *, first: int = 0) -> Entry:
        """What to deliver to so many people in turn."""
        return lambda number, due: self.entry(number, users, due, first=first)

    async def projected(self, sequence: int) -> None:
        """Wait until the inbox has come to a sequence."""
        async with asyncio.timeout(STAGE_SECONDS):
            while await self._checkpoint() < sequence:  # noqa: ASYNC110  the projector is another process
                await asyncio.sleep(POLL_SECONDS)

    async def _checkpoint(self) -> int:
        async with self.runtime.postgres.connection() as connection:
            found = await (
                await connection.execute("SELECT sequence FROM inbox.checkpoint")
            ).fetchone()
        return found[0] if found else 0

    def token(self, person: Person, scope: str = "inbox emit") -> str:
        """A token of somebody's."""
        return issue(person, scope, self.settings.secret, time.time(), TOKEN_SECONDS)

    def crowd(
        self,
        *,
        websockets: int = 0,
        streams: int = 0,
        per_user: int = 1,
        first: int = 0,
        cursor: str = "",
        tenants: int = TENANTS,
    ) -> Crowd:
        """Clients that count entries and read the time they were sent from their data; their users are those from `first` on."""
        users = first + (max(websockets, streams) + per_user - 1) // per_user
        file = self.directory / f"tokens-{users}-{tenants}"
        if not file.exists():
            write_tokens(file, [person(n, tenants) for n in range(users)], self.settings.secret)
        found = listeners(
            self.ports["edge"],
            file,
            websockets=websockets,
            streams=streams,
            first=first,
            cursor=cursor,
        )
        return msgspec.structs.replace(found, per_user=per_user)


def listeners(
    port: int,
    tokens: Path,
    *,
    websockets: int = 0,
    streams: int = 0,
    first: int = 0,
    cursor: str = "",
) -> Crowd:
    """Clients of an edge, one connection of each kind a user, that count entries and read from them when they were sent."""
    query = f"?cursor={cursor}" if cursor else ""
    return Crowd(
        ports=(port,),
        websockets=websockets,
        streams=streams,
        first_user=first,
        websocket_path=f"/v1/socket{query}",
        stream_path=f"/v1/stream{query}",
        headers=("Authorization: Bearer {token}",),
        tokens=str(tokens),
        ready='"type":"live"',
        counts='"type":"entries"',
        stamp="sent_ns",
    )


def write_tokens(file: Path, people: Sequence[Person], secret: str) -> None:
    """A line for each: their name and a token."""
    now = time.time()
    file.write_text(
        "\n".join(f"{one.user} {issue(one, 'inbox', secret, now, TOKEN_SECONDS)}" for one in people)
    )


@asynccontextmanager
async def system(*services: str, **more: object) -> AsyncGenerator[System]:
    """Servers (fsync on) and services, with settings of their own, until the block ends."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-bench-")))
        servers = await stack.enter_async_context(embedded(directory / "servers"))
        chosen = settings(
            {},
            running=False,
            nats_url=servers.nats_url,
            postgres_dsn=servers.postgres_dsn,
            jwt_secret=secrets.token_hex(32),
            data_dir=directory,
            **more,
        )
        runtime = await stack.enter_async_context(open_runtime(chosen, "bench"))
        running = System(directory, chosen, runtime, stack)
        for service in services:
            await running.start(service, **more)
        yield running


def person(number: int, tenants: int = TENANTS) -> Person:
    """One of the benchmark's people; they are spread over its tenants."""
    return Person(f"bench-{number % tenants}", f"u{number}")


def announcement(number: int, tenant: str, users: Iterable[str], sent_ns: int = 0) -> bytes:
    """An event for these users that says when it was sent (monotonic nanoseconds)."""
    data = {
        "title": "Task assigned",
        "message": "You have been assigned to task: Water the seedlings",
        "to": {"users": list(users)},
    }
    body = {
        "specversion": "1.0",
        "id": f"{number}-{time.monotonic_ns()}",
        "source": "/bench",
        "type": "announcement.published",
    }
    return encode({**body, "tenant": tenant, "data": {**data, "sent_ns": sent_ns}})


def told(number: int, users: int, tenants: int = TENANTS, sent_ns: int = 0) -> bytes:
    """An event for one person, each in turn."""
    one = person(number % users, tenants)
    return announcement(number, one.tenant, (one.user,), sent_ns)


def drafted(body: bytes) -> Draft:
    """An event ready to be appended, as the gateway or a domain service does it."""
    cloud = codec.decode(body)
    assert cloud.tenant
    return Draft(
        subjects.event(cloud.tenant, cloud.type, cloud.entity, 16),
        body,
        id=cloud.key_of(cloud.tenant),
    )


async def paced(
    appender: Appender, users: int, per_second: float, seconds: float, tenants: int = TENANTS
) -> int:
    """Append events at a steady rate, each to one person in turn, stamped with the moment it fell due; returns how many."""
    loop = asyncio.get_running_loop()
    count, started, tasks = (
        int(per_second * seconds),
        time.monotonic_ns(),
        set[asyncio.Task[object]](),
    )
    for number in range(count):
        due = started + int(number * 1e9 / per_second)
        if (wait := (due - time.monotonic_ns()) / 1e9) > 0:
            await asyncio.sleep(wait)
        task = loop.create_task(appender.append(drafted(told(number, users, tenants, due))))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return count
