"""An embedded Postgres 18, run without `pg_ctl`: the server is a direct child process.

    data_dir/postgres/cluster   the data directory of Postgres; exists once initdb has finished
    data_dir/postgres/new       the cluster while initdb runs; deleted if that did not finish

As root it runs under another account, which cannot reach directories such as /root. Therefore it is
started *in* its data directory and knows it as /proc/self/cwd: only that directory changes owner.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import BinaryIO, ClassVar

import psycopg
from tidings.runtime.embedded.child import Account, Child, spawn_child
from tidings.runtime.embedded.data_directory import HOST, remembered_password, rename_durably
from tidings.runtime.embedded.postgres_install import account_for, binaries_for
from tidings.runtime.embedded.server import ANSWER_TIMEOUT_SECONDS, EmbeddedServer, ServerFailed
from tidings.runtime.quoting import url_part

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
INITDB_LOCALE = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
INITDB_ACCESS = (f"--username={USER}", "--pwfile=../password", "--auth=scram-sha-256")


class PostgresServer(EmbeddedServer):
    """One Postgres that listens on TCP and requires a password."""

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": do not wait for clients

    @property
    def dsn(self) -> str:
        """The address with user and password: `postgresql://tidings:…@127.0.0.1:<port>/tidings`."""
        return self._dsn(DATABASE)

    async def _launch(self, log: BinaryIO) -> Child:
        cluster = self.directory / "cluster"
        account = account_for(cluster)
        binaries = await asyncio.to_thread(binaries_for, account)
        if not cluster.exists():
            await self._make_cluster(binaries, account, log)
        # The lock on the log proves that no postmaster is left. Its pid may belong to another
        # process by now (pids repeat in containers), and Postgres would refuse to start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        settings = (f"--{name}={value}" for name, value in SETTINGS.items())
        command = (
            binaries / "postgres",
            "-D",
            _data_path(account),
            f"--port={self.port}",
            *settings,
        )
        return spawn_child(command, log, cluster, self.stop_signal, account)

    async def _make_cluster(self, binaries: Path, account: Account | None, log: BinaryIO) -> None:
        """Run initdb in a folder beside the cluster's, and rename that when it has finished."""
        new = self.directory / "new"
        await asyncio.to_thread(
            _prepare_directory, new, remembered_password(self.directory), account
        )
        command = (
            binaries / "initdb",
            "-D",
            _data_path(account),
            *INITDB_LOCALE,
            *INITDB_ACCESS,
            "--no-instructions",
        )
        child = spawn_child(command, log, new / "cluster", signal.SIGKILL, account)
        try:
            await child.wait()
        finally:
            child.kill()
        if child.exit_code != 0:
            raise self._failure(child)
        rename_durably(new / "cluster", self.directory / "cluster")
        shutil.rmtree(new)

    async def _is_ready(self) -> bool:
        """Whether the server on the port accepts our password, which excludes another server."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._dsn("postgres"), autocommit=True, connect_timeout=ANSWER_TIMEOUT_SECONDS
            ) as connection:
                await _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _dsn(self, database: str) -> str:
        password = url_part(self._password())
        return f"postgresql://{USER}:{password}@{HOST}:{self.port}/{database}"

    def _password(self) -> str:
        if (self.directory / "cluster").exists() and not (self.directory / "password").exists():
            raise ServerFailed(
                f"{self.directory}/password is missing; restore it, or move {self.directory} away"
                " to start with no data"
            )
        return remembered_password(self.directory)


def _data_path(account: Account | None) -> str:
    """Return a path of the working directory that the account need not resolve."""
    return "/proc/self/cwd" if account else "."


def _prepare_directory(new: Path, password: str, account: Account | None) -> None:
    """Make an empty directory for the cluster, and the password file for initdb."""
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
