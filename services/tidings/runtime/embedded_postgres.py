"""A Postgres 18 of our own, run without `pg_ctl`: the server itself is our child.

    data_dir/postgres/cluster   the data directory of Postgres, there only when initdb has finished
    data_dir/postgres/new       a cluster in the making, thrown away when it was not finished

As root it runs under another account, which cannot reach directories such as /root. It need not: it is started *in* its data directory and
knows it as /proc/self/cwd, so only that directory belongs to the account and no other is touched.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import BinaryIO, ClassVar

import psycopg
from tidings.runtime.child import Account, Child, spawn
from tidings.runtime.data_directory import HOST, rename, secret
from tidings.runtime.embedded_server import ANSWER_LIMIT_SECONDS, Server, ServerFailed
from tidings.runtime.postgres_install import account_for, binaries_for

USER = DATABASE = "tidings"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "cluster_name": "tidings",
    "timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "jit": "off",
}
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
ACCESS = (f"--username={USER}", "--pwfile=../password", "--auth=scram-sha-256")


class PostgresServer(Server):
    """One Postgres, on TCP with a password only."""

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": does not wait for clients

    @property
    def dsn(self) -> str:
        """Its address with user and password: `postgresql://tidings:…@127.0.0.1:<port>/tidings`."""
        return self._dsn(DATABASE)

    async def _launch(self, log: BinaryIO) -> Child:
        cluster = self.directory / "cluster"
        account = account_for(cluster)
        binaries = await asyncio.to_thread(binaries_for, account)
        if not cluster.exists():
            await self._make_cluster(binaries, account, log)
        # The log's lock tells that no postmaster is left; yet its pid may be another's by now (in containers pids repeat),
        # and Postgres would refuse to start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        settings = (f"--{name}={value}" for name, value in SETTINGS.items())
        command = (binaries / "postgres", "-D", _here(account), f"--port={self.port}", *settings)
        return spawn(command, log, cluster, self.stop_signal, account)

    async def _make_cluster(self, binaries: Path, account: Account | None, log: BinaryIO) -> None:
        """Beside where it belongs, and renamed when it is whole."""
        new = self.directory / "new"
        await asyncio.to_thread(_lay_out, new, secret(self.directory), account)
        command = (binaries / "initdb", "-D", _here(account), *LOCALE, *ACCESS, "--no-instructions")
        child = spawn(command, log, new / "cluster", signal.SIGKILL, account)
        try:
            await child.wait()
        finally:
            child.kill()
        if child.exit_code != 0:
            raise self._failure(child)
        rename(new / "cluster", self.directory / "cluster")
        shutil.rmtree(new)

    async def _answers(self) -> bool:
        """Its password tells it from anybody else on the port."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._dsn("postgres"), autocommit=True, connect_timeout=ANSWER_LIMIT_SECONDS
            ) as connection:
                await _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _dsn(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password()}@{HOST}:{self.port}/{database}"

    def _password(self) -> str:
        if (self.directory / "cluster").exists() and not (self.directory / "password").exists():
            raise ServerFailed(
                f"{self.directory}/password is missing; restore it, or move {self.directory} away to start with no data"
            )
        return secret(self.directory)


def _here(account: Account | None) -> str:
    """Under another account it must not be resolved to a path, which that account may not be able to walk."""
    return "/proc/self/cwd" if account else "."


def _lay_out(new: Path, password: str, account: Account | None) -> None:
    """An empty directory for the cluster, and the password where initdb may read it."""
    shutil.rmtree(new, ignore_errors=True)
    (new / "cluster").mkdir(mode=0o700, parents=True)
    (new / "password").touch(mode=0o600)
    (new / "password").write_text(password)
    for path in (new, *new.iterdir()):
        if account:
            os.chown(path, *account)


async def _make_database(connection: psycopg.AsyncConnection) -> None:
    cursor = await connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
    if cursor.rowcount == 0:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
