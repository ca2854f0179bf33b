"""A Tidings installation under measurement, with its own directory, servers and processes."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tidings.client.appender import Appender
from tidings.contracts import codec
from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import NOTIFICATIONS, Person, Subjects
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.embedded.servers import run_servers
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings

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
        """Run a service while the block lasts, and return its process id."""
        shared_settings = {
            "nats_url": self.settings.nats,
            "postgres_dsn": self.settings.postgres,
            "jwt_secret": self.settings.secret,
        }
        all_settings = {
            **shared_settings,
            "port": self.ports.setdefault(name, free_port()),
            "log_level": "ERROR",
            # All clients come from this machine.
            "connections_per_address": 0,
            "unauthenticated_per_address": 0,
            "stranger_rate": "off",
            **more,
        }
        environment = {
            f"TIDINGS_{setting.upper()}": str(value) for setting, value in all_settings.items()
        }
        async with program(
            sys.executable, "-m", "tidings.cli", name, environment=environment, pipes=PIPE
        ) as process:
            assert process.stdout
            await asyncio.wait_for(process.stdout.readuntil(b"ready"), READY_SECONDS)
            yield process.pid

    def entry(self, number: int, users: int, sent_ns: int = 1, *, first: int = 0) -> NewMessage:
        """Return a notification for one of `users` users in turn, from user `first` on."""
        return notification(number, person(first + number % users), self.settings.subjects, sent_ns)

    def entries(self, users: int, *, first: int = 0) -> Entry:
        """Return the factory of notifications for `users` users in turn."""
        return lambda number, due: self.entry(number, users, due, first=first)

    async def inbox_messages(self) -> int:
        """Return the number of messages of `NOTIFICATIONS` that are no positions."""
        info = await self.runtime.jetstream.call_api(
            f"STREAM.INFO.{NOTIFICATIONS}", {"subjects_filter": "position.>"}
        )
        state = info["state"]
        return state["messages"] - sum(state.get("subjects", {}).values())

    async def wait_until_stored(self, count: int, seconds: float = STAGE_SECONDS) -> None:
        """Wait until `NOTIFICATIONS` has `count` messages that are no positions."""
        async with asyncio.timeout(seconds):
            while await self.inbox_messages() < count:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)

    async def wait_until_projected(self, sequence: int, seconds: float = STAGE_SECONDS) -> None:
        """Wait until the inbox is projected up to a sequence."""
        async with asyncio.timeout(seconds):
            while await self.projected() < sequence:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)

    async def projected(self) -> int:
        """Return the sequence up to which the inbox is projected, 0 before the first one."""
        async with self.runtime.postgres.connection() as connection:
            row = await (
                await connection.execute("SELECT sequence FROM inbox.checkpoint")
            ).fetchone()
        return row[0] if row else 0

    def token(self, person: Person, scope: str = f"inbox {EVERY_EMIT_SCOPE}") -> str:
        """Return a token of a user."""
        return issue_token(person, scope, self.settings.secret, time.time(), TOKEN_SECONDS)

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
        """Return clients of the users from `first` on that count entries and read when they were
        sent.
        """
        users = first + (max(websockets, streams) + per_user - 1) // per_user
        file = self.directory / f"tokens-{users}-{tenants}"
        if not file.exists():
            write_tokens(file, [person(n, tenants) for n in range(users)], self.settings.secret)
        base_crowd = listeners(
            self.ports["edge"],
            file,
            websockets=websockets,
            streams=streams,
            first=first,
            cursor=cursor,
        )
        return msgspec.structs.replace(base_crowd, per_user=per_user)


def listeners(
    port: int,
    tokens: Path,
    *,
    websockets: int = 0,
    streams: int = 0,
    first: int = 0,
    cursor: str = "",
) -> Crowd:
    """Return clients of an edge that count entries and read when they were sent.

    Each user has one connection of each kind. They announce that they add differences to their
    counts, as the browser's client does.
    """
    query = "?counts=delta" + (f"&cursor={cursor}" if cursor else "")
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
    """Write a file with a line for each user: name and token."""
    now = time.time()
    file.write_text(
        "\n".join(
            f"{user.user} {issue_token(user, 'inbox', secret, now, TOKEN_SECONDS)}"
            for user in people
        )
    )


@asynccontextmanager
async def system(
    *services: str, kept_in: Path | None = None, **more: object
) -> AsyncGenerator[System]:
    """Servers (fsync on) and services, with settings of their own, until the block ends.

    Their data is deleted then, unless it is `kept_in` a directory for the next time.
    """
    async with AsyncExitStack() as stack:
        directory = kept_in or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-bench-"))
        )
        servers = await stack.enter_async_context(run_servers(directory / "servers"))
        all_settings = load_settings(
            {},
            include_running=False,
            nats_url=servers.nats_url,
            postgres_dsn=servers.postgres_dsn,
            jwt_secret=secrets.token_hex(32),
            data_dir=directory,
            **more,
        )
        runtime = await stack.enter_async_context(open_runtime(all_settings, "bench"))
        running = System(directory, all_settings, runtime, stack)
        for service in services:
            await running.start(service, **more)
        yield running


def person(number: int, tenants: int = TENANTS) -> Person:
    """Return a user; the users are spread over the tenants."""
    return Person(f"bench-{number % tenants}", f"u{number}")


def encode_announcement(number: int, tenant: str, users: Iterable[str], sent_ns: int = 0) -> bytes:
    """Encode an announcement that carries the time it was sent (monotonic nanoseconds)."""
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


def encode_personal_announcement(
    number: int, users: int, tenants: int = TENANTS, sent_ns: int = 0
) -> bytes:
    """Encode an announcement to one user, chosen in turn."""
    user = person(number % users, tenants)
    return encode_announcement(number, user.tenant, (user.user,), sent_ns)


def make_draft(body: bytes) -> NewMessage:
    """Return a draft of an event, as the gateway or a domain service appends it."""
    cloud = codec.decode_cloud_event(body)
    assert cloud.tenant
    return NewMessage(
        Subjects(16).event_subject(cloud.tenant, cloud.type, cloud.entity),
        body,
        id=cloud.key_of(cloud.tenant),
    )


async def append_paced(
    appender: Appender, body: Callable[[int, int], bytes], per_second: float, seconds: float
) -> int:
    """Append events at a steady rate, each on its own, and return their number.

    `body` encodes the event of a number and its due time.
    """
    loop = asyncio.get_running_loop()
    count, started_at, tasks = (
        int(per_second * seconds),
        time.monotonic_ns(),
        set[asyncio.Task[object]](),
    )
    for number in range(count):
        due = started_at + int(number * 1e9 / per_second)
        if (wait := (due - time.monotonic_ns()) / 1e9) > 0:
            await asyncio.sleep(wait)
        task = loop.create_task(appender.append(make_draft(body(number, due))))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return count
